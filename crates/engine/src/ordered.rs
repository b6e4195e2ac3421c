//! Read, work in parallel, take in order: the pace of every import.
//!
//! While some batches are worked on by all cores, the next ones are read and the results of those before are taken. They are taken in the order they were
//! read, so nothing downstream depends on how many cores there are. A batch is one core's from its text to its result, and is out of the way then: handing
//! every patch on to be worked on in the order of the ground cost more than it saved, once the layers themselves lay in that order.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;

/// Bytes under way for each core: a few batches, so that none waits while one is read or taken.
const UNDER_WAY: usize = 2 << 20;
/// Bytes under way, however many cores there are.
const MOST_UNDER_WAY: usize = 32 << 20;
/// How many imports are at work in this process: they share what may be under way, and with it the cores.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Counts an import while it is at work.
struct Counted;

impl Counted {
    fn begin() -> Self {
        AT_WORK.fetch_add(1, Relaxed);
        Self
    }

    /// What may be under way of each.
    fn share() -> usize {
        (UNDER_WAY * rayon::current_num_threads()).min(MOST_UNDER_WAY) / AT_WORK.load(Relaxed).max(1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        AT_WORK.fetch_sub(1, Relaxed);
    }
}

/// Calls `work` on each batch that `next` yields with its weight in bytes, and `take` on what came of it, in order; the batches under way weigh a few
/// megabytes a core, less where several imports are at work. It ends with the first error in the order of the batches, whichever core is the first to meet one. Not to be called from one of rayon's own
/// threads, which it would keep from working.
pub fn in_order<T: Send, R: Send, E: Send>(
    mut next: impl FnMut() -> Result<Option<(T, usize)>, E>,
    work: impl Fn(T) -> Result<R, E> + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    debug_assert!(rayon::current_thread_index().is_none(), "a core waits for itself");
    let _counted = Counted::begin();
    let (work, is_over, (sender, receiver)) = (&work, &AtomicBool::new(false), mpsc::channel());
    // Reading may wait for a process, and that must not hold a core: so it stays on the caller's own thread.
    rayon::in_place_scope(|scope| {
        // What each batch under way weighs, and what came of it, from the oldest on, which has the number `oldest`.
        let mut under_way: VecDeque<(usize, Option<Result<R, E>>)> = VecDeque::new();
        let (mut oldest, mut weight, mut is_more, mut unread) = (0, 0, true, Ok(()));
        let ended = loop {
            let mut came = None;
            if is_more && (under_way.is_empty() || weight < Counted::share()) {
                match next() {
                    Ok(Some((one, weighs))) => {
                        let (number, sender) = (oldest + under_way.len(), sender.clone());
                        under_way.push_back((weighs, None));
                        weight += weighs;
                        scope.spawn(move |_| {
                            if !is_over.load(Relaxed) {
                                // The receiver may be gone, where an error has ended it all.
                                _ = sender.send((number, catch_unwind(AssertUnwindSafe(|| work(one)))));
                            }
                        });
                    }
                    Ok(None) => is_more = false,
                    Err(error) => (is_more, unread) = (false, Err(error)),
                }
            } else if under_way.is_empty() {
                break unread;
            } else {
                came = receiver.recv().ok();
            }
            for (number, done) in came.into_iter().chain(receiver.try_iter()) {
                let done = done.unwrap_or_else(|panic| {
                    is_over.store(true, Relaxed);
                    resume_unwind(panic)
                });
                is_more &= done.is_ok();
                under_way[number - oldest].1 = Some(done);
            }
            let mut taken = Ok(());
            while let Some((weighs, Some(done))) = under_way.pop_front_if(|(_, done)| done.is_some()) {
                (oldest, weight) = (oldest + 1, weight - weighs);
                taken = done.and_then(&mut take);
                if taken.is_err() {
                    break;
                }
            }
            if taken.is_err() {
                break taken;
            }
        };
        is_over.store(true, Relaxed);
        ended
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch that weighs as much as may be under way on one core.
    fn heavy(n: u32) -> (u32, usize) {
        (n, UNDER_WAY)
    }

    #[test]
    fn results_come_in_order() {
        let mut numbers = 0..1000_u32;
        let mut taken = Vec::new();
        let work = |n: u32| {
            // Some take longer than those after them.
            std::thread::sleep(std::time::Duration::from_micros(u64::from(n * 7 % 10) * 50));
            Ok(n * 2)
        };
        in_order(
            || Ok::<_, ()>(numbers.next().map(|n| (n, 1000))),
            work,
            |n| {
                taken.push(n);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(taken, (0..1000).map(|n| n * 2).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_of_any_step_ends_it_and_little_more_is_read() {
        let cores = rayon::current_num_threads() as u32;
        let mut numbers = 0..1000;
        let ended = in_order(|| numbers.next().filter(|n| *n < 500).map(|n| Some(heavy(n))).ok_or("unread"), Ok, |_| Ok(()));
        assert_eq!(ended, Err("unread"));
        let mut numbers = 0..1000;
        let ended = in_order(|| Ok(numbers.next().map(heavy)), |n| if n == 500 { Err("unworked") } else { Ok(n) }, |_| Ok(()));
        assert_eq!(ended, Err("unworked"));
        assert!(numbers.next().unwrap() <= 501 + cores);
        let mut numbers = 0..1000;
        let ended = in_order(|| Ok(numbers.next().map(heavy)), Ok, |n| if n == 500 { Err("untaken") } else { Ok(()) });
        assert_eq!(ended, Err("untaken"));
        assert!(numbers.next().unwrap() <= 501 + cores);
    }

    #[test]
    fn the_first_error_in_order_is_told_and_what_comes_before_it_is_taken() {
        for _ in 0..50 {
            let (mut numbers, mut taken) = (0..1000, 0);
            let next = || numbers.next().filter(|n| *n < 12).map(|n| Some((n, 1000))).ok_or(12);
            // The first one that fails takes longest.
            let work = |n: u32| {
                std::thread::sleep(std::time::Duration::from_millis(if n == 5 { 3 } else { 0 }));
                if n >= 5 { Err(n) } else { Ok(()) }
            };
            let ended = in_order(next, work, |()| {
                taken += 1;
                Ok(())
            });
            assert_eq!((ended, taken), (Err(5), 5));
        }
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let mut numbers = 0..1000;
        let work = |n: u32| if n == 3 { panic!("of batch 3") } else { Ok::<_, ()>(n) };
        let panic = catch_unwind(AssertUnwindSafe(|| in_order(|| Ok(numbers.next().map(heavy)), work, |_| Ok(())))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"of batch 3"));
    }

    #[test]
    fn a_reader_that_waits_holds_no_core() {
        let readers = rayon::current_num_threads();
        let waiting = std::sync::Barrier::new(readers + 1);
        let (go, gone) = (std::sync::Mutex::new(()), mpsc::channel());
        std::thread::scope(|scope| {
            // As many readers as there are cores, each of which waits for its second batch.
            let held = go.lock().unwrap();
            for _ in 0..readers {
                scope.spawn(|| {
                    let mut asked = 0;
                    let next = || {
                        asked += 1;
                        if asked == 2 {
                            waiting.wait();
                            drop(go.lock());
                        }
                        Ok::<_, ()>((asked <= 2).then_some(((), 1)))
                    };
                    in_order(next, |()| Ok(()), |()| Ok(()))
                });
            }
            waiting.wait();
            rayon::spawn(move || gone.0.send(()).unwrap());
            let done = gone.1.recv_timeout(std::time::Duration::from_secs(30));
            drop(held);
            assert_eq!(done, Ok(()), "no thread was left to do what is asked of the cores");
        });
    }
}
