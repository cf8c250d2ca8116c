//! Activation: the days (UTC) from which and until which a key is to be used.
use crate::output::Fault;
use keyferry::ck::{CK_OBJECT_HANDLE, CKA_END_DATE, CKA_START_DATE};
use keyferry::client::{Session, Template, known};
use keyferry::token::clock;
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A day, as `CK_DATE` has it: `YYYYMMDD`. Days compare as their digits do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day([u8; 8]);

impl Day {
    fn read(value: &[u8]) -> Option<Day> {
        let digits: [u8; 8] = value.try_into().ok()?;
        let is_written = digits.iter().all(u8::is_ascii_digit);
        Some(Day(digits)).filter(|day| is_written && day.is_possible())
    }

    fn is_possible(self) -> bool {
        let number = |digits: &[u8]| digits.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0'));
        let (year, rest) = self.0.split_at(4);
        let (month, day) = rest.split_at(2);
        let (year, month, day) = (number(year), number(month), number(day));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        year > 0 && (1..=last).contains(&day)
    }
}

impl FromStr for Day {
    type Err = String;
    fn from_str(text: &str) -> Result<Day, String> {
        let dashed = |at: usize| text.as_bytes().get(at) == Some(&b'-');
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let day = Day::read(digits.as_bytes());
        let day = day.filter(|_| text.len() == 10 && dashed(4) && dashed(7));
        day.ok_or_else(|| "give a day that there is, as 2026-12-01".to_owned())
    }
}

/// As ISO 8601 has it: `2026-12-01`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        let (year, rest) = text.split_at_checked(4).unwrap_or_default();
        let (month, day) = rest.split_at_checked(2).unwrap_or_default();
        write!(f, "{year}-{month}-{day}")
    }
}

/// In place of what a module fails to give.
pub const NOT_KNOWN: &str = "not known";

/// A key's limit on one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// None: the attribute is empty or not there.
    #[default]
    None,
    /// This day belongs to the key's time.
    Day(Day),
    /// The module gives something that is no day, so nobody knows.
    NoDay,
    /// The module fails to give it: it may have stored what it cannot read.
    NotGiven,
}

impl From<Option<Day>> for Limit {
    fn from(day: Option<Day>) -> Limit {
        day.map_or(Limit::None, Limit::Day)
    }
}

impl Limit {
    fn read(value: &[u8]) -> Limit {
        match value {
            [] => Limit::None,
            value => Day::read(value).map_or(Limit::NoDay, Limit::Day),
        }
    }

    /// `2026-12-01`, or what it is instead; `None` if there is no limit.
    pub fn text(self) -> Option<String> {
        match self {
            Limit::None => None,
            Limit::Day(day) => Some(day.to_string()),
            Limit::NoDay => Some("not a date".to_owned()),
            Limit::NotGiven => Some(NOT_KNOWN.to_owned()),
        }
    }
}

/// A key's days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// `CKA_START_DATE`, the first day.
    pub from: Limit,
    /// `CKA_END_DATE`, the last day.
    pub until: Limit,
}

impl Dates {
    /// Those of a key object.
    pub fn of(session: &Session, key: CK_OBJECT_HANDLE) -> Result<Dates, Fault> {
        let limit = |cka| -> Result<Limit, Fault> {
            let value = known(session.attribute(key, cka))?;
            let read = |value: Option<_>| {
                value.map_or(Limit::None, |value: Zeroizing<Vec<u8>>| Limit::read(&value))
            };
            Ok(value.map_or(Limit::NotGiven, read))
        };
        Ok(Dates { from: limit(CKA_START_DATE)?, until: limit(CKA_END_DATE)? })
    }

    /// Gives them to a new key.
    pub fn give(&self, template: Template) -> Template {
        let limits = [(CKA_START_DATE, self.from), (CKA_END_DATE, self.until)];
        limits.into_iter().fold(template, |template, (cka, limit)| match limit {
            Limit::Day(Day(digits)) => template.bytes(cka, &digits),
            Limit::None | Limit::NoDay | Limit::NotGiven => template,
        })
    }

    /// Why a key of these dates is not to be used today, and what to do, if so.
    pub fn objection(&self) -> Option<String> {
        let today = Day(clock::today());
        ended(self.until, today).or_else(|| not_begun(self.from, today))
    }

    /// Each side: its name, its limit, and why the key is not to be used today because of it.
    pub fn sides(&self) -> [(&'static str, Limit, Option<String>); 2] {
        let today = Day(clock::today());
        [
            ("active from", self.from, not_begun(self.from, today)),
            ("active until", self.until, ended(self.until, today)),
        ]
    }

    /// `from 2026-12-01 until 2027-12-01`; empty if there are none.
    pub fn words(&self) -> String {
        let from = self.from.text().map(|day| format!("from {day}"));
        let until = self.until.text().map(|day| format!("until {day}"));
        from.into_iter().chain(until).collect::<Vec<String>>().join(" ")
    }
}

fn not_begun(from: Limit, today: Day) -> Option<String> {
    match from {
        Limit::Day(from) if today < from => Some(format!(
            "is not active before {from} (CKA_START_DATE), UTC; export it on that day or later"
        )),
        Limit::NoDay => Some(no_day("a start", "CKA_START_DATE")),
        Limit::NotGiven => Some(not_given("a start", "CKA_START_DATE")),
        Limit::Day(_) | Limit::None => None,
    }
}

fn ended(until: Limit, today: Day) -> Option<String> {
    match until {
        Limit::Day(until) if today > until => Some(format!(
            "was active until {until} (CKA_END_DATE), and its time is over; generate a new key"
        )),
        Limit::NoDay => Some(no_day("an end", "CKA_END_DATE")),
        Limit::NotGiven => Some(not_given("an end", "CKA_END_DATE")),
        Limit::Day(_) | Limit::None => None,
    }
}

/// A limit that nobody can read may be one that the key is beyond.
fn no_day(side: &str, cka: &str) -> String {
    format!(
        "has {side} date that is no date ({cka}), so it may not be its time; give it another with what the module's \
         maker gives, or generate a new key"
    )
}

/// The same of one that the module fails to give.
fn not_given(side: &str, cka: &str) -> String {
    format!(
        "has {side} date that the module does not give ({cka}), so it may not be its time; generate a new key without \
         dates, or one with them in a module that keeps them, such as keyferry's own"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn days_that_there_are() {
        for good in ["2026-12-01", "2024-02-29", "2000-02-29", "0001-01-31"] {
            assert_eq!(day(good).to_string(), good);
        }
        for wrong in [
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-01-00",
            "0000-01-01",
            "20261201",
            "2026-1-01",
            "2026-12-1",
            "01-12-2026",
            "2026-12-0１",
            "tomorrow",
            "",
        ] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn both_ends_belong_to_it() {
        let limit = |text| Limit::Day(day(text));
        let (from, until) = (limit("2026-12-01"), limit("2027-01-31"));
        let early = not_begun(from, day("2026-11-30")).unwrap();
        let late = ended(until, day("2027-02-01")).unwrap();
        assert!(early.contains("not active before 2026-12-01"), "{early}");
        assert!(late.contains("until 2027-01-31"), "{late}");
        for today in ["2026-12-01", "2026-12-31", "2027-01-31"].map(day) {
            assert_eq!((not_begun(from, today), ended(until, today)), (None, None));
        }
        assert_eq!(Dates::default().objection(), None);
        assert_eq!(Dates { from, until }.words(), "from 2026-12-01 until 2027-01-31");
    }

    #[test]
    fn what_is_no_day_is_no_permission() {
        assert_eq!(Limit::read(b""), Limit::None);
        assert_eq!(Limit::read(b"20261201"), Limit::Day(day("2026-12-01")));
        for value in [&b"20261301"[..], b"00000000", &[0; 8], b"2026", b"2026-12-01", b"tomorrow"] {
            let dates = Dates { until: Limit::read(value), ..Dates::default() };
            assert!(dates.objection().unwrap().contains("has an end date that is no date"));
            assert_eq!(dates.words(), "until not a date");
        }
    }
}
