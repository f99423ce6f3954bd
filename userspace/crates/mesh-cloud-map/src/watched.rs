//! One service that clusters hear of: what is known of its instances, and the task that keeps asking.
//!
//! The revision is asked for each time, the instances when it is another one. Their health changes
//! without it, so those of a service with health checks are asked for now and then all the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::{Duration, SystemTime},
};

use mesh_model::instance::Instance;
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    api::{Api, ApiError, Attributes, Registered, Service},
    pace::Pace,
    registered,
};

/// How long the health of instances is taken for what it was.
const HEALTH_LASTS: Duration = Duration::from_secs(30);
/// How long nobody asks for revisions after they were not told.
const WITHOUT_REVISIONS: Duration = Duration::from_mins(10);
/// As many instances as an answer has room for (API reference, `DiscoverInstances`, `MaxResults`).
pub(crate) const MOST: u16 = 1000;

/// What is heard of the instances of a service.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The last answer; none before the first.
    pub known: Option<Known>,
    /// Why there is no newer one; none while all is well.
    pub trouble: Option<Arc<str>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Known {
    /// The instances that take traffic, in an order of their own.
    pub instances: Arc<[Instance]>,
    /// When they were last known to be these.
    pub at: SystemTime,
}

/// A service, as long as somebody hears of it.
#[derive(Debug)]
pub(crate) struct Watched {
    service: Service,
    lists: Mutex<Lists>,
    /// Told when something is to be asked that was not asked before.
    news: Arc<Notify>,
    task: OnceLock<AbortHandle>,
}

/// The instances by the attributes that they must have.
#[derive(Debug, Default)]
struct Lists {
    by: BTreeMap<Attributes, List>,
    /// Why nothing more is asked at present; none where it is.
    throttled: Option<Arc<str>>,
}

#[derive(Debug)]
struct List {
    told: watch::Sender<Heard>,
    last: Option<Asked>,
}

/// How the last answer was had.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// The revision before it was asked for: one that comes between is another one next time.
    revision: Option<i64>,
    at: Instant,
    /// Whether health may change without a new revision.
    may_be_checked: bool,
    /// Whether there may be more instances than were answered.
    is_full: bool,
}

impl Watched {
    /// Starts to ask for a service; it ends when this is dropped.
    pub(crate) fn start(service: Service, api: Arc<dyn Api>, runtime: &Handle) -> Arc<Self> {
        let watched = Arc::new(Self {
            service,
            lists: Mutex::default(),
            news: Arc::default(),
            task: OnceLock::new(),
        });
        let task = runtime.spawn(keep_asking(Arc::downgrade(&watched), api));
        watched.task.get_or_init(|| task.abort_handle());
        watched
    }

    /// Hears of the instances that have these attributes.
    pub(crate) fn hear(&self, attributes: &Attributes) -> watch::Receiver<Heard> {
        let mut lists = self.lists();
        if let Some(list) = lists.by.get(attributes) {
            return list.told.subscribe();
        }
        let trouble = lists.throttled.clone();
        if trouble.is_none() {
            self.news.notify_one();
        }
        let heard = Heard {
            known: None,
            trouble,
        };
        let (told, heard) = watch::channel(heard);
        lists
            .by
            .insert(attributes.clone(), List { told, last: None });
        heard
    }

    /// Asks what there is to be asked now.
    async fn ask(&self, api: &dyn Api, revisions: &mut Revisions) -> Result<(), ApiError> {
        self.forget_unheard();
        let revision = match revisions.ask(api, &self.service).await {
            Ok(revision) => revision,
            Err(error) => {
                self.fail(None, &error);
                return Err(error);
            }
        };
        let mut outcome = Ok(());
        for attributes in self.due(revision) {
            if let Err(error @ ApiError::Later(_)) = &outcome {
                self.fail(Some(&attributes), error);
                continue;
            }
            match api.instances(&self.service, &attributes).await {
                Ok(registered) => self.take(&attributes, &registered, revision),
                Err(error) => {
                    self.fail(Some(&attributes), &error);
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    fn forget_unheard(&self) {
        let mut lists = self.lists();
        lists.by.retain(|_, list| list.told.receiver_count() > 0);
        lists.throttled = None;
    }

    /// What is to be asked for at a revision. The rest is as it was, which is an answer too.
    fn due(&self, revision: Option<i64>) -> Vec<Attributes> {
        let (now, at) = (Instant::now(), SystemTime::now());
        let mut due = Vec::new();
        for (attributes, list) in &self.lists().by {
            if list.last.is_none_or(|last| last.is_outdated(revision, now)) {
                due.push(attributes.clone());
                continue;
            }
            list.told.send_if_modified(|heard| {
                if let Some(known) = &mut heard.known {
                    known.at = at;
                }
                heard.trouble.take().is_some()
            });
        }
        due
    }

    fn take(&self, attributes: &Attributes, registered: &[Registered], revision: Option<i64>) {
        let mut lists = self.lists();
        let Some(list) = lists.by.get_mut(attributes) else {
            return;
        };
        let is_full = registered.len() >= usize::from(MOST);
        if is_full && !list.last.is_some_and(|last| last.is_full) {
            let Service { namespace, name } = &self.service;
            tracing::warn!(
                namespace,
                service = name,
                "AWS Cloud Map answers with {MOST} instances, and never with more: there may be some \
                 that get no traffic; spread them over several services"
            );
        }
        list.last = Some(Asked {
            revision,
            at: Instant::now(),
            may_be_checked: registered::may_be_checked(registered),
            is_full,
        });
        let instances: Arc<[Instance]> = registered::usable(registered, attributes).into();
        list.told.send_if_modified(|heard| {
            let before = heard.known.as_ref().map(|known| &known.instances);
            let is_news = before != Some(&instances) || heard.trouble.is_some();
            let at = SystemTime::now();
            *heard = Heard {
                known: Some(Known { instances, at }),
                trouble: None,
            };
            is_news
        });
    }

    /// There is no answer for those who are after these attributes; none: for nobody.
    fn fail(&self, attributes: Option<&Attributes>, error: &ApiError) {
        let text: Arc<str> = error.to_string().into();
        let mut lists = self.lists();
        for (of, list) in &lists.by {
            if attributes.is_none_or(|attributes| attributes == of) {
                list.told.send_if_modified(|heard| {
                    let is_news = heard.trouble.as_ref() != Some(&text);
                    heard.trouble = Some(Arc::clone(&text));
                    is_news
                });
            }
        }
        if matches!(error, ApiError::Later(_)) {
            lists.throttled = Some(text);
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Asked {
    /// Whether there may be another answer now.
    fn is_outdated(self, revision: Option<i64>, now: Instant) -> bool {
        let is_same = revision.is_some() && revision == self.revision;
        !is_same || self.may_be_checked && now - self.at >= HEALTH_LASTS
    }
}

/// Whether revisions are told.
#[derive(Debug, Default)]
struct Revisions {
    /// Until when nobody asks for them.
    untold: Option<Instant>,
}

impl Revisions {
    /// The revision of this moment; none where they are not told: older endpoints do not know them, and
    /// older policies do not allow them.
    async fn ask(&mut self, api: &dyn Api, service: &Service) -> Result<Option<i64>, ApiError> {
        if self.untold.is_some_and(|until| Instant::now() < until) {
            return Ok(None);
        }
        match api.revision(service).await {
            Ok(revision) => {
                self.untold = None;
                Ok(Some(revision))
            }
            Err(ApiError::NoRevisions(why)) => {
                if self.untold.is_none() {
                    let Service { namespace, name } = service;
                    tracing::warn!(
                        namespace,
                        service = name,
                        why,
                        "AWS Cloud Map does not tell revisions, so that all instances are asked for each \
                         time; allow servicediscovery:DiscoverInstancesRevision"
                    );
                }
                self.untold = Some(Instant::now() + WITHOUT_REVISIONS);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

async fn keep_asking(watched: Weak<Watched>, api: Arc<dyn Api>) {
    let mut pace = Pace::new();
    let mut revisions = Revisions::default();
    loop {
        let Some(watched) = watched.upgrade() else {
            return;
        };
        let random = fastrand::u64(..);
        let wait = match watched.ask(&*api, &mut revisions).await {
            Err(ApiError::Later(_)) => pace.longer(random),
            Ok(()) | Err(_) => pace.usual(random),
        };
        let news = Arc::clone(&watched.news);
        drop(watched);
        if pace.is_backing_off() {
            sleep(wait).await;
        } else {
            // It is soon enough when the time is over, so this is no failure.
            let _ = timeout(wait, news.notified()).await;
        }
    }
}

#[cfg(test)]
mod tests;
