//! Read, work in parallel, take in order: the pace of every import.
//!
//! While one round of batches is worked on by all cores, the next is read. Results are taken in the order they were read, so nothing downstream depends on
//! how many cores there are. Memory holds two rounds.

use rayon::prelude::*;

/// Batches a round, for each core: enough to even out slow batches.
const PER_CORE: usize = 2;

/// Calls `work` on everything `next` yields, in parallel, and `take` on the results, in order. The first error of `next` or `take` ends it.
pub fn in_rounds<T: Send, R: Send, E: Send>(
    mut next: impl FnMut() -> Result<Option<T>, E> + Send,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let size = rayon::current_num_threads() * PER_CORE;
    let mut read = move || -> Result<Vec<T>, E> {
        let mut round = Vec::with_capacity(size);
        while round.len() < size {
            match next()? {
                Some(one) => round.push(one),
                None => break,
            }
        }
        Ok(round)
    };
    let mut round = read()?;
    while !round.is_empty() {
        let (results, following) = rayon::join(|| round.into_par_iter().map(&work).collect::<Vec<R>>(), &mut read);
        for result in results {
            take(result)?;
        }
        round = following?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        let mut numbers = 0..1000;
        let mut taken = Vec::new();
        in_rounds(
            || Ok::<_, ()>(numbers.next()),
            |n| n * 2,
            |n| {
                taken.push(n);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(taken, (0..1000).map(|n| n * 2).collect::<Vec<_>>());
        let mut numbers = 0..1000;
        let ended = in_rounds(|| numbers.next().filter(|n| *n < 500).map(Some).ok_or("broken"), |n| n, |_| Ok(()));
        assert_eq!(ended, Err("broken"));
    }
}
