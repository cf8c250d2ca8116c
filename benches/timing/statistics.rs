//! Welch's t-test over times, all of them and without the slowest.
//!
//! Other programs slow both classes down for a while. So each time is taken beside those just before and
//! after it, of whichever class: their median is subtracted.

/// Beyond this, in either direction, two classes differ: by chance once in 150,000 tests.
pub const LIMIT: f64 = 4.5;

/// How often the slowest are left out, another share of them each time. What disturbs a program makes it
/// slower, never faster, so the fast times show best what it does.
const CROPS: u32 = 20;

/// How many times to either side are a time's neighbours.
const NEIGHBOURS: usize = 30;

/// Two classes beside each other; times in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    pub samples: usize,
    pub mean: f64,
    /// The second class less the first, without the slower half of all.
    pub difference: f64,
    /// What difference would have reached [`LIMIT`] there.
    pub visible: f64,
    /// Of all samples.
    pub t: f64,
    /// The greatest of all and of every cropping.
    pub greatest_t: f64,
}

impl Comparison {
    /// Of classes and times in the order in which they were taken.
    pub fn of(measured: &[(usize, f64)]) -> Comparison {
        let mut times = [const { Vec::new() }; 2];
        for (at, (class, time)) in measured.iter().enumerate() {
            times[*class].push(time - usual(measured, at));
        }
        let mut all: Vec<f64> = times.iter().flatten().copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        let cropped = |share: f64| {
            let limit = all[(share * (all.len() - 1) as f64) as usize];
            let under =
                |times: &Vec<f64>| times.iter().copied().filter(|time| *time <= limit).collect();
            Welch::of(times.each_ref().map(under))
        };
        let whole = cropped(1.0);
        let faster_half = cropped(0.5);
        let shares = (1..CROPS).map(|n| 1.0 - 0.5_f64.powf(10.0 * f64::from(n) / f64::from(CROPS)));
        let tests = shares.map(|share| cropped(share).t()).chain([whole.t(), faster_half.t()]);
        Comparison {
            samples: all.len(),
            mean: measured.iter().map(|(_, time)| time).sum::<f64>() / all.len() as f64,
            difference: faster_half.difference,
            visible: LIMIT * faster_half.error,
            t: whole.t(),
            greatest_t: tests.fold(0.0, |most: f64, t| if t.abs() > most.abs() { t } else { most }),
        }
    }
}

/// The median of the times around one.
fn usual(measured: &[(usize, f64)], at: usize) -> f64 {
    let around = at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(measured.len());
    let mut around: Vec<f64> = measured[around].iter().map(|(_, time)| *time).collect();
    let middle = around.len() / 2;
    *around.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// A difference of means and its standard error.
#[derive(Clone, Copy, Debug)]
struct Welch {
    difference: f64,
    error: f64,
}

impl Welch {
    fn of(times: [Vec<f64>; 2]) -> Welch {
        let [one, other] = times.map(|times| {
            let n = times.len() as f64;
            let mean = times.iter().sum::<f64>() / n;
            let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
            (mean, squares / (n - 1.0) / n)
        });
        Welch { difference: other.0 - one.0, error: (one.1 + other.1).sqrt() }
    }

    fn t(&self) -> f64 {
        self.difference / self.error
    }
}
