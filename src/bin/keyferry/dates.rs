//! Activation: the days (UTC) from which and until which a key is to be used.
use crate::output::Fault;
use keyferry::ck::{CK_OBJECT_HANDLE, CKA_END_DATE, CKA_START_DATE};
use keyferry::client::{Session, Template};
use keyferry::token::clock;
use std::fmt;
use std::str::FromStr;

/// A day, as `CK_DATE` has it: `YYYYMMDD`. Days compare as their digits do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day([u8; 8]);

impl Day {
    /// Of an attribute; an empty one says that there is no such day.
    fn read(value: &[u8]) -> Option<Day> {
        let digits: [u8; 8] = value.try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Day(digits))
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
        let day = Day::read(digits.as_bytes()).filter(|day| day.is_possible());
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

/// A key's days; without one there is no limit on that side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// `CKA_START_DATE`, the first day.
    pub from: Option<Day>,
    /// `CKA_END_DATE`, the last day.
    pub until: Option<Day>,
}

impl Dates {
    /// Those of a key object.
    pub fn of(session: &Session, key: CK_OBJECT_HANDLE) -> Result<Dates, Fault> {
        let day = |cka| session.attribute(key, cka).map(|v| v.and_then(|v| Day::read(&v)));
        Ok(Dates { from: day(CKA_START_DATE)?, until: day(CKA_END_DATE)? })
    }

    /// Gives them to a new key.
    pub fn give(&self, template: Template) -> Template {
        let days = [(CKA_START_DATE, self.from), (CKA_END_DATE, self.until)];
        days.into_iter().fold(template, |template, (cka, day)| match day {
            Some(Day(digits)) => template.bytes(cka, &digits),
            None => template,
        })
    }

    /// Why a key of these dates is not to be used today, and what to do, if so.
    pub fn objection(&self) -> Option<String> {
        self.objection_on(Day(clock::today()))
    }

    fn objection_on(&self, today: Day) -> Option<String> {
        match *self {
            Dates { until: Some(until), .. } if today > until => Some(format!(
                "was active until {until} (CKA_END_DATE), and its time is over; generate a new key"
            )),
            Dates { from: Some(from), .. } if today < from => Some(format!(
                "is not active before {from} (CKA_START_DATE), UTC; export it on that day or later"
            )),
            _ => None,
        }
    }

    /// `from 2026-12-01 until 2027-12-01`; empty if there are none.
    pub fn words(&self) -> String {
        let from = self.from.map(|day| format!("from {day}"));
        let until = self.until.map(|day| format!("until {day}"));
        from.into_iter().chain(until).collect::<Vec<String>>().join(" ")
    }
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
        let dates = Dates { from: Some(day("2026-12-01")), until: Some(day("2027-01-31")) };
        for (today, word) in
            [("2026-11-30", "not active before 2026-12-01"), ("2027-02-01", "until 2027-01-31")]
        {
            assert!(dates.objection_on(day(today)).unwrap().contains(word));
        }
        for today in ["2026-12-01", "2026-12-31", "2027-01-31"] {
            assert_eq!(dates.objection_on(day(today)), None);
        }
        assert_eq!(Dates::default().objection(), None);
        assert_eq!(dates.words(), "from 2026-12-01 until 2027-01-31");
    }
}
