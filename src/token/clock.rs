//! The token's clock: the time of the machine, as `CK_TOKEN_INFO` and the clock object tell it.
use crate::ck::CK_CHAR;
use std::time::{SystemTime, UNIX_EPOCH};

/// `YYYYMMDDhhmmss00`, PKCS#11 3.2 section 3.2, `CK_TOKEN_INFO`.
pub fn utc_time(now: SystemTime) -> [CK_CHAR; 16] {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (day, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(day);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}00");
    // sixteen digits until the year 10000
    text.as_bytes().first_chunk().copied().unwrap_or([b'0'; 16])
}

/// Today's date in UTC as `CK_DATE` has it, `YYYYMMDD`: such dates compare as their bytes do.
pub fn today() -> [u8; 8] {
    utc_time(SystemTime::now()).first_chunk().copied().unwrap_or([b'0'; 8])
}

/// Year, month and day of a count of days since 1970-01-01: years begin in March, so that the leap
/// day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153; // 0 is March
    let day = of_year - (153 * month + 2) / 5 + 1;
    let january = u64::from(month >= 10);
    (era * 400 + year + january, if month < 10 { month + 3 } else { month - 9 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(20_779), (2026, 11, 22));
    }
    #[test]
    fn time_is_sixteen_digits() {
        let time = utc_time(UNIX_EPOCH + Duration::from_secs(951_782_399));
        assert_eq!(&time, b"2000022823595900");
    }
}
