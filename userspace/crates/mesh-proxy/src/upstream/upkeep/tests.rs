use std::sync::Arc;

use mesh_model::snapshot::{Cluster, Discovery, Protocol};
use mesh_pool::Limits;
use tokio::{
    task::{LocalSet, spawn_local},
    time::advance,
};

use super::*;

/// Of [`APART`], and a tenth of [`PATIENCE`].
const HALF: Duration = Duration::from_micros(500);

fn pool() -> Rc<Pool> {
    let discovery = Discovery::Static(Vec::new());
    let config = Cluster::plain("b".to_owned(), Protocol::Http, discovery);
    Pool::start(
        &config,
        &Limits::of(config.circuit_breakers),
        Arc::default(),
    )
}

/// Lets every task have its turns, and no time pass.
async fn turns() {
    for _ in 0..20 {
        yield_now().await;
    }
}

/// Has the pool begin to connect ahead.
async fn begin(pool: &Rc<Pool>) {
    // Nobody listens there, which is nothing to what wants it.
    pool.upkeep.want(SocketAddr::from(([127, 0, 0, 1], 1)));
    pool.keep_up();
    turns().await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_is_put_off_until_an_answer_and_for_so_long_at_most() {
    let local = LocalSet::new();
    let steps = async {
        let pool = pool();
        for _ in 0..2 {
            begin(&pool).await;
            advance(HALF * 9).await;
            turns().await;
            assert!(!pool.upkeep.is_done(), "an answer may come yet");
            advance(HALF * 3).await;
            turns().await;
            assert!(pool.upkeep.is_done(), "none has come");
        }
        begin(&pool).await;
        advance(APART).await;
        pool.answered();
        turns().await;
        assert!(pool.upkeep.is_done(), "one has come");
    };
    local.run_until(steps).await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_come_faster_have_no_step_each() {
    let local = LocalSet::new();
    let steps = async {
        let pool = pool();
        begin(&pool).await;
        advance(HALF).await;
        pool.answered();
        turns().await;
        assert!(!pool.upkeep.is_done(), "it was begun just now");
        advance(HALF).await;
        pool.answered();
        turns().await;
        assert!(pool.upkeep.is_done());
    };
    local.run_until(steps).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_sent_before_anything_is_done_behind_it() {
    let local = LocalSet::new();
    let steps = async {
        let pool = pool();
        begin(&pool).await;
        advance(APART).await;
        let sent = spawn_local({
            let pool = Rc::clone(&pool);
            async move {
                pool.answered();
                // Whatever sends it has its turn behind what was woken first.
                spawn_local(async move { pool.upkeep.is_done() }).await
            }
        });
        let was_done = sent.await.expect("no panic").expect("no panic");
        assert!(!was_done);
        turns().await;
        assert!(pool.upkeep.is_done());
    };
    local.run_until(steps).await;
}
