//! Times: of parts in turns, and of threads together.
//!
//! What one thread computes is timed in its own processor time, which other programs on the machine
//! hardly change; what waits for a disk or for other threads, by the clock on the wall.
use crate::common::Rv;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Something to be timed; its first failure ends the part.
pub type Work<'a> = Box<dyn FnMut() -> Rv<()> + 'a>;

/// How long a row may take, and how many rounds it has at least.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub budget: Duration,
    pub rounds: usize,
}

impl Pace {
    pub fn new(quick: bool) -> Pace {
        match quick {
            true => Pace { budget: Duration::from_millis(700), rounds: 3 },
            false => Pace { budget: Duration::from_secs(4), rounds: 9 },
        }
    }

    /// More time, for what varies by chance.
    pub fn times(self, n: u32) -> Pace {
        Pace { budget: self.budget * n, ..self }
    }
}

/// Which time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The processor time of this thread.
    Thread,
    /// What passes for everyone.
    Wall,
}

impl Clock {
    /// Since some moment in the past.
    #[cfg(unix)]
    pub fn now(self) -> Duration {
        let clock = match self {
            Clock::Thread => libc::CLOCK_THREAD_CPUTIME_ID,
            Clock::Wall => libc::CLOCK_MONOTONIC,
        };
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let answer = unsafe { libc::clock_gettime(clock, &mut now) };
        assert_eq!(answer, 0, "the clock stands still");
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }

    #[cfg(not(unix))]
    pub fn now(self) -> Duration {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    fn since(self, start: Duration) -> Duration {
        self.now().saturating_sub(start)
    }
}

/// A sample lasts this long at least, so that the clock does not count.
const SAMPLE: Duration = Duration::from_micros(300);

/// The median time of one run of each part, taken in turns; the error of a part that fails.
pub fn medians<const N: usize>(
    pace: Pace,
    clock: Clock,
    mut parts: [Option<Work<'_>>; N],
) -> [Rv<f64>; N] {
    let mut batches = [0; N];
    let mut failures = [None; N];
    let mut round = Duration::ZERO;
    for ((part, batch), failure) in parts.iter_mut().zip(&mut batches).zip(&mut failures) {
        let Some(work) = part else { continue };
        match warm(work, clock) {
            Ok(once) => {
                *batch = (SAMPLE.as_nanos() / once.as_nanos().max(1)).clamp(1, 10_000) as usize;
                round += once * *batch as u32;
            }
            Err(rv) => {
                *failure = Some(rv);
                *part = None;
            }
        }
    }
    let rounds = (pace.budget.as_nanos() / round.as_nanos().max(1)) as usize;
    let rounds = rounds.clamp(pace.rounds, 2001);
    let mut samples = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for ((part, batch), samples) in parts.iter_mut().zip(batches).zip(&mut samples) {
            let Some(work) = part else { continue };
            let start = clock.now();
            for _ in 0..batch {
                black_box(work()).expect("what worked once works again");
            }
            samples.push(clock.since(start).as_secs_f64() / batch as f64);
        }
    }
    let mut failures = failures.into_iter();
    samples.map(|samples| match failures.next().flatten() {
        Some(rv) => Err(rv),
        None => Ok(median(samples)),
    })
}

/// Runs it until it is warm; how long one run takes at least.
fn warm(work: &mut Work<'_>, clock: Clock) -> Rv<Duration> {
    let mut least = Duration::MAX;
    let begin = Instant::now();
    for n in 0..50 {
        let start = clock.now();
        work()?;
        least = least.min(clock.since(start));
        if n > 0 && begin.elapsed() > Duration::from_millis(50) {
            break;
        }
    }
    Ok(least)
}

/// The one in the middle; infinite if there is none.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::INFINITY)
}

/// How many more runs two threads make in the same time than one: the median ratio of several
/// rounds. `make` gives a thread its work.
pub fn scaling<F>(pace: Pace, make: impl Fn() -> F + Sync) -> f64
where
    F: FnMut() -> Rv<()>,
{
    let slice = pace.budget.div_f64(pace.rounds as f64);
    let ratios = (0..pace.rounds).map(|_| {
        let one = throughput(1, slice, &make);
        throughput(2, slice, &make) / one
    });
    median(ratios.collect())
}

/// Runs per second of so many threads together.
pub fn throughput<F>(threads: usize, slice: Duration, make: &(impl Fn() -> F + Sync)) -> f64
where
    F: FnMut() -> Rv<()>,
{
    let (ready, stop) = (Barrier::new(threads + 1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let run = || {
            let mut work = make();
            work().expect("work of a thread");
            ready.wait();
            let (start, mut runs) = (Instant::now(), 0u32);
            while !stop.load(Ordering::Relaxed) {
                work().expect("work of a thread");
                runs += 1;
            }
            f64::from(runs) / start.elapsed().as_secs_f64()
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        ready.wait();
        std::thread::sleep(slice);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}
