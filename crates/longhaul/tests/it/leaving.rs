//! Leaving: at whatever moment, whoever leaves makes no further look and leaves nothing behind.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::{Context as Poller, Poll, Waker},
    time::Duration,
};

use longhaul::{
    context::Context,
    follow::{Ending, follow},
    operation::{Observation, Running},
};

use crate::remote::{Answer, Remote, secs, thing, watch};

/// Each look takes 700 ms and tells of running work.
fn slow() -> Remote {
    Remote::new(|_| Answer::After(Duration::from_millis(700), Ok(Observation::Running(Running::new("Creating", "")))))
}

/// Nothing is looked at any more, nothing holds on to the resource, no task is alive.
async fn nothing_is_left(remote: &Remote, when: &str) {
    let looks = remote.looks().len();
    tokio::time::sleep(secs(3600)).await;
    assert_eq!(remote.looks().len(), looks, "a look after leaving {when}");
    assert_eq!(remote.holders(), 1, "something holds on after leaving {when}");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0, "a task lives after leaving {when}");
}

#[tokio::test(start_paused = true)]
async fn leaving_at_any_time_ends_the_watching_at_that_time_and_leaves_nothing_behind() {
    for ms in (0..=1_000).step_by(7).chain([29_999, 30_000, 30_001, 30_699, 30_700, 30_701, 59_999, 60_000, 61_000]) {
        let remote = slow();
        let leave = tokio::time::sleep(Duration::from_millis(ms));
        let left = follow(&remote, &Context::local(), &thing(), watch(1800), leave, &mut ()).await;
        assert!(matches!(left.ending, Ending::Running(_)), "{ms}: {:?}", left.ending);
        assert!((remote.age() * 1000.0 - ms as f64).abs() < 1.0, "left at {} s, not {ms} ms", remote.age());
        nothing_is_left(&remote, &format!("at {ms} ms")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn leaving_at_any_poll_ends_the_watching_and_leaves_nothing_behind() {
    for polls in 1..40 {
        let (remote, mut polled) = (slow(), 0);
        let leave = poll_fn(move |_| {
            polled += 1;
            if polled >= polls { Poll::Ready(()) } else { Poll::Pending }
        });
        let left = follow(&remote, &Context::local(), &thing(), watch(1800), leave, &mut ()).await;
        assert!(matches!(left.ending, Ending::Running(_)), "{polls}: {:?}", left.ending);
        nothing_is_left(&remote, &format!("at poll {polls}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_at_any_poll_leaves_nothing_behind() {
    for polls in 0..20 {
        let remote = slow();
        {
            let (cx, thing, mut nobody) = (Context::local(), thing(), ());
            let mut following = pin!(follow(&remote, &cx, &thing, watch(1800), pending(), &mut nobody));
            for _ in 0..polls {
                assert!(following.as_mut().poll(&mut Poller::from_waker(Waker::noop())).is_pending());
                tokio::time::sleep(Duration::from_millis(350)).await;
            }
        }
        nothing_is_left(&remote, &format!("by a drop after {polls} polls")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_left_before_the_first_look_makes_none() {
    let remote = slow();
    let left = follow(&remote, &Context::local(), &thing(), watch(0), async {}, &mut ()).await;
    assert_eq!((remote.looks().len(), left.ending), (0, Ending::Running(Running::default())));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_keeps_what_was_seen_last() {
    let remote = slow();
    let left = follow(&remote, &Context::local(), &thing(), watch(1800), tokio::time::sleep(secs(45)), &mut ()).await;
    assert_eq!(left.last, Some(Running::new("Creating", "")));
    assert!(left.seen_at.is_some() && left.ending == Ending::Running(Running::new("Creating", "")));
}
