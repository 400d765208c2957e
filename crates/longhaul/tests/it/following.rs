//! The rules of following, one test each.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use futures_util::{Stream, stream};
use longhaul::{
    context::Context,
    fault::{Fault, FaultCode, parse_retry_after},
    follow::{Ending, Followed, Watch, follow},
    operation::{Observation, Operation, Pace, Running, Subject},
};
use tokio::time::Instant;

use crate::remote::{
    Answer, Ears, Look, Made, Remote, Thing, creating, failed, followed, made, missed, running, secs, thing, watch,
};

/// What came of following, and how the remote side saw it.
struct Story {
    ending: Ending<Made>,
    last: Option<Running>,
    looks: Vec<f64>,
    news: Vec<(u64, String)>,
    took: f64,
}

/// Follows a resource that shows `show`, with `steps` for a stepwise follower.
async fn check(
    watch: Watch,
    steps: Vec<Result<bool, Fault>>,
    show: impl Fn(u64) -> Answer + Send + Sync + 'static,
) -> Story {
    let remote = Remote::new(show);
    let mut ears = Ears { steps, ..Ears::default() };
    let Followed { ending, last, .. } = follow(&remote, &Context::local(), &thing(), watch, pending(), &mut ears).await;
    Story { ending, last, looks: remote.looks(), news: ears.news, took: remote.age() }
}

fn phase(ending: &Ending<Made>) -> &str {
    match ending {
        Ending::Running(running) => &running.phase,
        other => panic!("not running: {other:?}"),
    }
}

fn fault(ending: Ending<Made>) -> Fault {
    match ending {
        Ending::Failed(fault) | Ending::Unknown(fault) => fault,
        other => panic!("no fault: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_of_creating_is_followed_in_milliseconds() {
    #[expect(clippy::disallowed_types, reason = "the wall time is what is measured")]
    let wall = std::time::Instant::now();
    let remote = Remote::ready_after(1790);
    let ending = followed(&remote, thing(), watch(3600)).await.ending;
    assert_eq!(ending, Ending::Succeeded(Made { size: 7, note: None }));
    assert_eq!((remote.looks().len(), remote.age()), (61, 1800.0));
    assert!(wall.elapsed() < Duration::from_millis(50), "{:?}", wall.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_first_look_is_at_once() {
    let story = check(watch(1800), vec![], |_| made()).await;
    assert_eq!((story.looks, story.took), (vec![0.0], 0.0));
}

#[tokio::test(start_paused = true)]
async fn news_are_heard_before_the_sleep() {
    let story = check(watch(1800), vec![], |at| if at < 45 { creating() } else { made() }).await;
    assert_eq!(story.news, [(0, "Creating".into()), (30, "Creating".into())]);
}

#[tokio::test(start_paused = true)]
async fn the_last_look_is_exactly_at_the_bound() {
    let story = check(watch(1800), vec![], |_| creating()).await;
    assert_eq!((story.looks.len(), story.looks.last(), story.took), (61, Some(&1800.0), 1800.0));
    assert_eq!(phase(&story.ending), "Creating");
}

#[tokio::test(start_paused = true)]
async fn a_success_at_the_bound_is_a_success_also_off_the_grid() {
    for bound in [1, 29, 1799, 1800, 1801] {
        let story = check(watch(bound), vec![], move |at| if at < bound { creating() } else { made() }).await;
        assert!(matches!(story.ending, Ending::Succeeded(_)), "{bound}: {:?}", story.ending);
        assert_eq!(story.took, bound as f64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_has_passed_still_gives_one_look() {
    let story = check(watch(0), vec![], |_| creating()).await;
    assert_eq!((story.looks, phase(&story.ending)), (vec![0.0], "Creating"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_look_in_the_middle_neither_ends_the_operation_nor_bends_the_pace() {
    let date = httpdate::fmt_http_date(SystemTime::now() + secs(12));
    let date = parse_retry_after(&date, SystemTime::now());
    for (what, miss) in [
        ("5xx", Fault::new(FaultCode::Unreachable, "HTTP 503")),
        ("throttled", Fault::new(FaultCode::Throttled, "slow down")),
        ("throttled, seconds", Fault::new(FaultCode::Throttled, "slow down").with_retry_after(Some(secs(12)))),
        ("throttled, date", Fault::new(FaultCode::Throttled, "slow down").with_retry_after(date)),
    ] {
        let show = move |at| if at == 60 { Answer::Now(Err(miss.clone())) } else { creating_until(90, at) };
        let story = check(watch(1800), vec![], show).await;
        assert_eq!(story.looks, [0.0, 30.0, 60.0, 90.0], "{what}");
        assert!(matches!(story.ending, Ending::Succeeded(_)), "{what}: {:?}", story.ending);
    }
}

fn creating_until(seconds: u64, at: u64) -> Answer {
    if at < seconds { creating() } else { made() }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_is_given_up_and_the_grid_is_kept() {
    let story = check(watch(1800), vec![], |at| if at == 60 { Answer::Never } else { creating_until(90, at) }).await;
    assert_eq!(story.looks, [0.0, 30.0, 60.0, 90.0]);
    assert_eq!(story.news[2], (70, "the backend did not answer within 10 s".into()));
}

#[tokio::test(start_paused = true)]
async fn a_last_look_that_hangs_holds_nobody_for_more_than_four_seconds() {
    let story = check(watch(50), vec![], |at| if at == 50 { Answer::Never } else { creating() }).await;
    assert_eq!((phase(&story.ending), story.took), ("Creating", 54.0));
}

#[tokio::test(start_paused = true)]
async fn the_servers_retry_after_wins_over_the_pace() {
    let wait = Fault::new(FaultCode::Throttled, "slow down").with_retry_after(Some(secs(47)));
    let show = move |at| if at == 30 { Answer::Now(Err(wait.clone())) } else { creating_until(100, at) };
    let story = check(watch(1800), vec![], show).await;
    assert_eq!(story.looks, [0.0, 30.0, 77.0, 90.0, 120.0]);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_holds_the_looks_back_but_not_the_last_one() {
    for seconds in [u64::MAX, u64::MAX / 1000, 1 << 40] {
        let wait = Fault::new(FaultCode::Throttled, "come back never").with_retry_after(Some(secs(seconds)));
        let show = move |at| if at < 1800 { Answer::Now(Err(wait.clone())) } else { made() };
        let story = check(watch(1800), vec![], show).await;
        assert_eq!(story.looks, [0.0, 1800.0], "{seconds}");
        assert!(matches!(story.ending, Ending::Succeeded(_)), "{:?}", story.ending);
    }
}

#[tokio::test(start_paused = true)]
async fn patience_is_time_and_not_a_count() {
    for (every, over) in [(1, 360.0), (30, 360.0), (100, 400.0), (200, 600.0)] {
        let pace = Pace { every: secs(every), ..Pace::default() };
        let watch = Watch { pace, until: None };
        let story = check(watch, vec![], |at| if at < 60 { creating() } else { missed(FaultCode::Unreachable) }).await;
        assert!(matches!(&story.ending, Ending::Unknown(fault) if fault.code == FaultCode::Unreachable));
        assert_eq!((story.took, story.last.unwrap().phase.as_str()), (over, "Creating"), "every {every} s");
    }
}

#[tokio::test(start_paused = true)]
async fn one_good_look_renews_the_patience() {
    let show = |at: u64| if at.is_multiple_of(300) { creating_until(3000, at) } else { missed(FaultCode::Throttled) };
    let story = check(watch(4000), vec![], show).await;
    assert!(matches!(story.ending, Ending::Succeeded(_)), "{:?}", story.ending);
    assert_eq!(story.took, 3000.0);
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_unknown_at_once_with_the_remedy() {
    let expired = Fault::new(FaultCode::Unauthenticated, "token expired").with_advice("Run `aws sso login`.");
    let show = move |at| if at < 60 { creating() } else { Answer::Now(Err(expired.clone())) };
    let story = check(watch(1800), vec![], show).await;
    assert!(matches!(story.ending, Ending::Unknown(_)), "{:?}", story.ending);
    assert_eq!((story.took, fault(story.ending).troubleshooting), (60.0, vec!["Run `aws sso login`.".to_owned()]));
    assert_eq!(story.last.unwrap().phase, "Creating");
}

#[tokio::test(start_paused = true)]
async fn a_failed_operation_is_failed_at_once() {
    let show = |at| if at < 30 { creating() } else { failed(FaultCode::OperationFailed, "no image") };
    let story = check(watch(1800), vec![], show).await;
    assert!(matches!(story.ending, Ending::Failed(_)), "{:?}", story.ending);
    assert_eq!((story.took, fault(story.ending).message.as_str()), (30.0, "no image"));
}

#[tokio::test(start_paused = true)]
async fn a_state_that_nobody_knows_keeps_its_text() {
    let story = check(watch(60), vec![], |_| running("Quantum<Tunnelling> 模")).await;
    assert_eq!(phase(&story.ending), "Quantum<Tunnelling> 模");
}

#[tokio::test(start_paused = true)]
async fn without_a_bound_it_is_followed_for_a_month() {
    let watch = Watch { pace: Pace { every: secs(3600), ..Pace::default() }, until: None };
    let story = check(watch, vec![], |at| creating_until(30 * 86_400, at)).await;
    assert_eq!((story.looks.len(), story.took), (721, 30.0 * 86_400.0));
}

#[tokio::test(start_paused = true)]
async fn no_pace_is_too_extreme() {
    for every in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX, secs(u64::MAX / 2)] {
        let watch = Watch { pace: Pace { every, ..Pace::default() }, ..watch(1) };
        let story = check(watch, vec![], |_| creating()).await;
        assert_eq!((phase(&story.ending), story.took), ("Creating", 1.0), "{every:?}");
        assert!(story.looks.len() <= 1001, "{every:?}: {} looks", story.looks.len());
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_cannot_be_aborted_unless_it_says_how() {
    let pushing = Pushing::default();
    let fault = pushing.abort(&Context::local(), &thing()).await.unwrap_err();
    assert_eq!((fault.code, fault.message.as_str()), (FaultCode::Unsupported, "fake.push cannot be aborted"));
}

// Steps of a stepwise follower.

#[tokio::test(start_paused = true)]
async fn a_step_that_changed_something_is_looked_at_soon_but_never_without_a_pause() {
    let story = check(watch(1800), vec![Ok(true), Ok(true), Ok(false)], |at| creating_until(30, at)).await;
    assert_eq!(story.looks, [0.0, 0.5, 1.0, 31.0]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_for_now_is_survived() {
    let not_now = Err(Fault::new(FaultCode::Throttled, "slow down"));
    let story = check(watch(1800), vec![not_now, Ok(true)], |at| creating_until(60, at)).await;
    assert_eq!(story.looks, [0.0, 30.0, 30.0, 60.0]);
    assert!(matches!(story.ending, Ending::Succeeded(_)), "{:?}", story.ending);
    assert_eq!(story.news[1], (0, "slow down".into()));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_refused_is_a_failure() {
    let refused = Err(Fault::new(FaultCode::Forbidden, "no permission to erase"));
    let story = check(watch(1800), vec![refused], |_| creating()).await;
    assert!(matches!(&story.ending, Ending::Failed(fault) if fault.message == "no permission to erase"));
    assert_eq!((story.looks.len(), story.took), (1, 0.0));
}

#[tokio::test(start_paused = true)]
async fn a_step_with_an_unknown_outcome_is_read_again_and_not_failed() {
    let lost = Err(Fault::new(FaultCode::OutcomeUnknown, "the reply was lost"));
    let story = check(watch(1800), vec![lost], |at| creating_until(30, at)).await;
    assert!(matches!(story.ending, Ending::Succeeded(_)), "{:?}", story.ending);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_a_defect_ended_or_that_nobody_may_take_any_more_is_unknown() {
    for code in [FaultCode::Internal, FaultCode::Unauthenticated] {
        let story = check(watch(1800), vec![Err(Fault::new(code, "?"))], |_| creating()).await;
        assert!(matches!(&story.ending, Ending::Unknown(fault) if fault.code == code), "{:?}", story.ending);
    }
}

// Backends that push.

/// Each opened stream gives what the script says, then is cut.
#[derive(Default)]
struct Pushing {
    streams: Mutex<Vec<Vec<(u64, Answer)>>>,
    opened: Arc<Mutex<Vec<u64>>>,
    born: Option<Instant>,
}

impl Operation for Pushing {
    const KIND: &'static str = "fake.push";
    type Handle = Thing;
    type Output = Made;

    fn subject(&self, thing: &Thing) -> Subject {
        Remote::new(|_| made()).subject(thing)
    }

    async fn observe(&self, _: &Context, _: &Thing) -> Look {
        Ok(Observation::Running(Running::new("Looked at", "")))
    }

    fn watch<'a>(&'a self, _: &'a Context, _: &'a Thing, _: Pace) -> impl Stream<Item = Look> + Send + 'a {
        self.opened.lock().unwrap().push(self.born.unwrap_or_else(Instant::now).elapsed().as_secs());
        let mut streams = self.streams.lock().unwrap();
        let script = if streams.is_empty() { vec![] } else { streams.remove(0) };
        stream::unfold(script.into_iter(), |mut script| async {
            let (pause, answer) = script.next()?;
            tokio::time::sleep(secs(pause)).await;
            match answer {
                Answer::Now(look) => Some((look, script)),
                Answer::Panic => panic!("the fake panics in a stream"),
                Answer::After(..) | Answer::Never => pending().await,
            }
        })
    }
}

/// Follows streams that are cut; when they were opened, and how it ended.
async fn check_pushing(until: u64, streams: Vec<Vec<(u64, Answer)>>) -> (Vec<u64>, Ending<Made>, u64) {
    let born = Instant::now();
    let pushing = Pushing { streams: Mutex::new(streams), opened: Arc::default(), born: Some(born) };
    let ending = followed(&pushing, thing(), watch(until)).await.ending;
    let opened = pushing.opened.lock().unwrap().clone();
    (opened, ending, born.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn what_is_pushed_is_heard_at_once() {
    let (opened, ending, took) = check_pushing(1800, vec![vec![(1, creating()), (2, creating()), (4, made())]]).await;
    assert!(matches!(ending, Ending::Succeeded(_)), "{ending:?}");
    assert_eq!((opened, took), (vec![0], 7));
}

#[tokio::test(start_paused = true)]
async fn a_push_stream_that_is_cut_is_opened_again_but_not_faster_than_the_pace() {
    let (opened, ending, _) = check_pushing(200, vec![vec![], vec![(3, creating())], vec![(45, creating())]]).await;
    assert_eq!(opened[..5], [0, 30, 60, 105, 135]);
    assert_eq!(phase(&ending), "Looked at");
}

#[tokio::test(start_paused = true)]
async fn a_push_stream_that_only_fails_is_unknown_when_the_patience_is_over() {
    let streams = (0..100).map(|_| vec![(0, missed(FaultCode::Unreachable))]).collect();
    let (_, ending, took) = check_pushing(1800, streams).await;
    assert!(matches!(ending, Ending::Unknown(_)), "{ending:?}");
    assert_eq!(took, 300);
}

#[tokio::test(start_paused = true)]
async fn a_silent_push_stream_is_looked_at_at_the_bound() {
    let (opened, ending, took) = check_pushing(1800, vec![vec![(0, Answer::Never)]]).await;
    assert_eq!((opened, phase(&ending), took), (vec![0], "Looked at", 1800));
}
