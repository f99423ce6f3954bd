//! `--watch` on a terminal: the list on the whole screen.

mod format;
mod screen;
mod view;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use self::{
    screen::Screen,
    view::{Turn, View},
};
use super::{EVERY, Row, selection::Selection, source::Source};

/// How long a key, a signal or a new list may wait before it is seen.
const TICK: Duration = Duration::from_millis(100);

/// What the kernel said, and when.
type News = (Instant, anyhow::Result<Vec<Row>>);

/// Shows the list until it is quit, the terminal goes away or a signal ends it.
pub(super) fn run(source: Source, selection: Selection) -> anyhow::Result<()> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&ended))
            .context("cannot wait for signals")?;
    }
    let (_wanted, news) = look(source)?;
    let mut view = View::new(selection);
    let mut screen = Screen::open().context("cannot take the terminal")?;
    match turn(&mut screen, &mut view, &news, &ended) {
        // The terminal has gone, and nobody is there to be told.
        Err(error) if is_gone(&error) => Ok(()),
        outcome => outcome.context("the terminal failed"),
    }
}

/// Asks the kernel once a second, on a thread of its own, until the sender is dropped: a long list
/// does not keep a key waiting.
fn look(source: Source) -> anyhow::Result<(mpsc::Sender<()>, Receiver<News>)> {
    let (wanted, unwanted) = mpsc::channel::<()>();
    let (tell, news) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("look".to_owned())
        .spawn(move || {
            loop {
                let rows = source.rows();
                if tell.send((Instant::now(), rows)).is_err()
                    || unwanted.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout)
                {
                    return;
                }
            }
        })
        .context("cannot start the thread that asks the kernel")?;
    Ok((wanted, news))
}

fn turn(
    screen: &mut Screen,
    view: &mut View,
    news: &Receiver<News>,
    ended: &AtomicBool,
) -> io::Result<()> {
    let mut is_drawn = false;
    while !ended.load(Relaxed) {
        while let Ok((moment, rows)) = news.try_recv() {
            is_drawn = false;
            match rows {
                Ok(rows) => view.show(moment, rows),
                Err(error) => view.fail(format!("{error:#}")),
            }
        }
        if !is_drawn {
            screen.draw(|frame| view.render(frame))?;
            is_drawn = true;
        }
        if !event::poll(TICK)? {
            continue;
        }
        is_drawn = false;
        // A resize needs no other answer: the next drawing takes the size that there is.
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && view.press(key) == Turn::Quit
        {
            return Ok(());
        }
    }
    Ok(())
}

fn is_gone(error: &io::Error) -> bool {
    let gone = [rustix::io::Errno::IO, rustix::io::Errno::NXIO];
    error.kind() == io::ErrorKind::BrokenPipe
        || gone
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
