//! Read, work in parallel, take in order: the pace of every import.
//!
//! While one round of batches is worked on by all cores, the next is read and the results of the one before are taken. They are taken in the order they were
//! read, so nothing downstream depends on how many cores there are. Memory holds two rounds, and the results of a third.

use crate::geom::Curve;
use rayon::prelude::*;

/// Calls `work` on each round of what `next` yields with its weight, a round being what weighs about `most`, and `take` on what came of it, in order. The
/// first error ends it.
pub fn in_rounds<T: Send, R: Send, E: Send>(
    most: usize,
    mut next: impl FnMut() -> Result<Option<(T, usize)>, E> + Send,
    work: impl Fn(Vec<T>) -> Result<R, E> + Sync,
    mut take: impl FnMut(R) -> Result<(), E> + Send,
) -> Result<(), E> {
    let mut read = |most: usize| -> Result<Vec<T>, E> {
        let (mut round, mut bytes) = (Vec::new(), 0);
        while round.is_empty() || bytes < most {
            let Some((one, weight)) = next()? else { break };
            round.push(one);
            bytes += weight;
        }
        Ok(round)
    };
    // The first one is small, so that the cores need not wait for it long.
    let mut round = read(most / 16)?;
    let mut done: Option<R> = None;
    while !round.is_empty() {
        let (mut worked, work) = (None, &work);
        // Reading may wait for a process, and whoever is waited for must not hold a core: so it stays on the caller's own thread.
        let following = rayon::in_place_scope(|scope| {
            scope.spawn(|_| worked = Some(work(round)));
            done.take().map_or(Ok(()), &mut take).and_then(|()| read(most))
        });
        round = following?;
        done = worked.transpose()?;
    }
    done.map_or(Ok(()), take)
}

/// What is to be worked on by place.
pub struct Placed<P> {
    /// What it is.
    pub one: Box<P>,
    /// Where it is in the plane, if anywhere.
    pub at: Option<[f64; 2]>,
}

/// Calls `work` on each, in parallel along a Hilbert curve, so that neighbours come after each other; what comes of them is in their order again.
pub fn by_place<P: Send, R: Send, E: Send>(placed: Vec<Vec<Placed<P>>>, work: &(impl Fn(P) -> Result<R, E> + Sync)) -> Result<Vec<R>, E> {
    let curve = Curve::over(placed.iter().flatten().filter_map(|placed| placed.at));
    let along = |at: Option<[f64; 2]>| at.map_or(0, |at| curve.at(at));
    let mut sorted: Vec<(u32, u32, Box<P>)> = placed.into_iter().flatten().zip(0..).map(|(placed, order)| (along(placed.at), order, placed.one)).collect();
    sorted.par_sort_unstable_by_key(|(along, order, _)| (*along, *order));
    let mut worked = Vec::new();
    sorted.into_par_iter().map(|(_, order, one)| (order, work(*one))).collect_into_vec(&mut worked);
    let mut in_order: Vec<Option<R>> = std::iter::repeat_with(|| None).take(worked.len()).collect();
    for (order, result) in worked {
        in_order[order as usize] = Some(result?);
    }
    Ok(in_order.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        let mut numbers = 0..1000;
        let mut taken = Vec::new();
        in_rounds(
            3,
            || Ok::<_, ()>(numbers.next().map(|n| (n, 1))),
            |round| Ok(round.into_iter().map(|n| n * 2).collect::<Vec<_>>()),
            |round| {
                taken.extend(round);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(taken, (0..1000).map(|n| n * 2).collect::<Vec<_>>());
        let mut numbers = 0..1000;
        let ended = in_rounds(3, || numbers.next().filter(|n| *n < 500).map(|n| Some((n, 1))).ok_or("unread"), Ok, |_| Ok(()));
        assert_eq!(ended, Err("unread"));
        let mut numbers = 0..1000;
        let ended = in_rounds(3, || Ok(numbers.next().map(|n| (n, 3))), |round| if round == [500] { Err("unworked") } else { Ok(()) }, |()| Ok(()));
        assert_eq!((ended, numbers.next()), (Err("unworked"), Some(502)));
        let mut numbers = 0..1000;
        let ended = in_rounds(3, || Ok(numbers.next().map(|n| (n, 3))), Ok, |round| if round == [500] { Err("untaken") } else { Ok(()) });
        assert_eq!((ended, numbers.next()), (Err("untaken"), Some(502)));
    }
    #[test]
    fn whoever_is_waited_for_holds_no_core() {
        let readers = rayon::current_num_threads();
        let waiting = std::sync::Barrier::new(readers + 1);
        let (go, gone) = (std::sync::Mutex::new(()), std::sync::mpsc::channel());
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
                    in_rounds(1, next, |_| Ok(()), |()| Ok(()))
                });
            }
            waiting.wait();
            rayon::spawn(move || gone.0.send(()).unwrap());
            let done = gone.1.recv_timeout(std::time::Duration::from_secs(30));
            drop(held);
            assert_eq!(done, Ok(()), "nobody was left to do what is asked of the cores");
        });
    }
}
