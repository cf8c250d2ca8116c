//! What comes out: a line per row, with what it must reach.
use std::fmt;

/// A figure with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Seconds of one run: less is better.
    Time(f64),
    /// Two threads over one: more is better.
    Ratio(f64),
    /// Bytes.
    Bytes(f64),
}

impl Figure {
    fn number(self) -> f64 {
        match self {
            Figure::Time(n) | Figure::Ratio(n) | Figure::Bytes(n) => n,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Figure::Time(s) if s < 1e-5 => write!(f, "{:.2} µs", s * 1e6),
            Figure::Time(s) if s < 1e-3 => write!(f, "{:.1} µs", s * 1e6),
            Figure::Time(s) if s < 1.0 => write!(f, "{:.2} ms", s * 1e3),
            Figure::Time(s) => write!(f, "{s:.2} s"),
            Figure::Ratio(n) => write!(f, "{n:.2}"),
            Figure::Bytes(n) => write!(f, "{:.1} MB", n / 1e6),
        }
    }
}

/// What a row must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Want {
    /// So many times as fast as the peer.
    OverPeer(f64),
    /// This part of the bare primitive's speed.
    OfBare(f64),
    /// Not more than so many seconds above the bare primitive.
    AboveBare(f64),
    /// The figure itself.
    AtMost(f64),
    /// The figure itself.
    AtLeast(f64),
}

/// What was measured of a row.
#[derive(Clone, Debug)]
pub struct Measured {
    pub ours: Figure,
    pub peer: Option<Figure>,
    pub bare: Option<Figure>,
    /// What has to be known about it.
    pub note: String,
}

impl Measured {
    pub fn ours(ours: Figure) -> Measured {
        Measured { ours, peer: None, bare: None, note: String::new() }
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: String,
    pub wants: Vec<Want>,
    pub measured: Measured,
}

impl Line {
    fn over_peer(&self) -> Option<f64> {
        let (ours, peer) = (self.measured.ours, self.measured.peer?);
        match ours {
            Figure::Ratio(_) => Some(ours.number() / peer.number()),
            Figure::Time(_) | Figure::Bytes(_) => Some(peer.number() / ours.number()),
        }
    }

    fn of_bare(&self) -> Option<f64> {
        Some(self.measured.bare?.number() / self.measured.ours.number())
    }

    /// Whether a target is reached; `None` if it could not be seen.
    fn reached(&self, want: Want) -> Option<bool> {
        let ours = self.measured.ours.number();
        Some(match want {
            Want::OverPeer(least) => self.over_peer()? >= least,
            Want::OfBare(least) => self.of_bare()? >= least,
            Want::AboveBare(most) => ours - self.measured.bare?.number() <= most,
            Want::AtMost(most) => ours <= most,
            Want::AtLeast(least) => ours >= least,
        })
    }

    fn targets(&self) -> String {
        let unit = |n| match self.measured.ours {
            Figure::Time(_) => Figure::Time(n).to_string(),
            Figure::Ratio(_) => Figure::Ratio(n).to_string(),
            Figure::Bytes(_) => Figure::Bytes(n).to_string(),
        };
        let one = |want: &Want| {
            let (text, now) = match *want {
                Want::OverPeer(n) => (format!("{n} × peer"), None),
                Want::OfBare(n) => (format!("{n} of bare"), None),
                Want::AboveBare(n) => {
                    let above =
                        self.measured.bare.map(|b| self.measured.ours.number() - b.number());
                    (format!("≤ {} above bare", Figure::Time(n)), above.map(Figure::Time))
                }
                Want::AtMost(n) => (format!("≤ {}", unit(n)), None),
                Want::AtLeast(n) => (format!("≥ {}", unit(n)), None),
            };
            let mark = match self.reached(*want) {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "?",
            };
            match now {
                Some(now) => format!("{text}: {mark} ({now})"),
                None => format!("{text}: {mark}"),
            }
        };
        self.wants.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// The cells, as [`HEAD`] names them.
    pub fn cells(&self) -> [String; 8] {
        let figure = |figure: Option<Figure>| figure.map_or_else(|| "–".into(), |f| f.to_string());
        let ratio =
            |n: Option<f64>, unit: &str| n.map_or_else(|| "–".into(), |n| format!("{n:.2}{unit}"));
        [
            self.name.clone(),
            self.measured.ours.to_string(),
            figure(self.measured.peer),
            figure(self.measured.bare),
            ratio(self.over_peer(), " ×"),
            ratio(self.of_bare(), ""),
            self.targets(),
            self.measured.note.clone(),
        ]
    }
}

/// The heads of the columns.
pub const HEAD: [&str; 8] =
    ["row", "keyferry", "peer", "bare", "over the peer", "of bare", "target: reached", "note"];

/// The whole table in Markdown.
pub fn markdown(lines: &[Line]) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut table = row(&HEAD.map(str::to_owned));
    table += "|---|---|---|---|---|---|---|---|\n";
    table.extend(lines.iter().map(|line| row(&line.cells())));
    table
}
