//! When a request may be sent again, and how long to wait before that.

use std::time::{Duration, SystemTime};

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// So many times is a request sent at most.
pub(super) const ATTEMPTS: u32 = 6;
/// A request that has to wait longer is given up with an error.
pub(super) const LONGEST: Duration = Duration::from_secs(15 * 60);
/// A pause of ten years or more is not a pause: such a number of seconds is a time since 1970.
const EPOCHS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// The pause after a secondary limit without a time, as GitHub asks for it.
const UNSAID: Duration = Duration::from_secs(60);

/// Time, so that a test need not wait for it.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The system's time.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Decides from an answer whether and when the request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// It was not carried out for want of quota: later it will be, after so long.
    Limited(Option<Duration>),
    /// Something broke; whether it was carried out is unknown.
    Transient(Option<Duration>),
    /// The same request will have the same answer.
    Final,
}

/// Reads status, headers and the server's message. Times are counted by the server's own clock where it tells it.
pub(super) fn advice(status: u16, headers: &HeaderMap, message: &str, now: SystemTime) -> Advice {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let now = headers.get(DATE).and_then(|v| v.to_str().ok()).and_then(date).unwrap_or(now);
    let until = |then: SystemTime| then.duration_since(now).unwrap_or_default();
    let after = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok());
    let after = after.and_then(|text| pause(text, &until));
    let spent = text("x-ratelimit-remaining") == Some("0");
    let reset = text("x-ratelimit-reset").and_then(|v| v.parse().ok()).map(Duration::from_secs);
    let reset = reset.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)).map(until).filter(|_| spent);
    let named = message.to_ascii_lowercase().contains("rate limit");
    match status {
        429 => Advice::Limited(after.or(reset)),
        403 if after.is_some() || spent || named => Advice::Limited(after.or(reset).or(Some(UNSAID))),
        // A request that took too long, came too early, or was given up on the way (nginx); a server in trouble; and, from
        // 520 on, what proxies say of a server behind them.
        408 | 425 | 499 | 500 | 502 | 503 | 504 | 520..=530 | 598 | 599 => Advice::Transient(after),
        _ => Advice::Final,
    }
}

/// `Retry-After`: seconds, a date, or, from some servers, a time in seconds or milliseconds since 1970.
fn pause(text: &str, until: &impl Fn(SystemTime) -> Duration) -> Option<Duration> {
    let text = text.trim();
    let Some(seconds) = text.split('.').next().and_then(|whole| whole.parse().ok()) else {
        return date(text).map(until);
    };
    let (seconds, milliseconds) = (Duration::from_secs(seconds), Duration::from_millis(seconds));
    let seconds = if milliseconds < EPOCHS { seconds } else { milliseconds };
    if seconds < EPOCHS { Some(seconds) } else { SystemTime::UNIX_EPOCH.checked_add(seconds).map(until) }
}

fn date(text: &str) -> Option<SystemTime> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok().map(SystemTime::from)
}

/// Twice as long each time, and a random part of it, so that those who failed together do not come back together.
pub(super) fn back_off(attempt: u32) -> Duration {
    let full = Duration::from_secs(1) * 2_u32.saturating_pow(attempt.saturating_sub(1)).min(32);
    full.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn at(status: u16, pairs: &[(&'static str, &str)], message: &str) -> Advice {
        advice(status, &headers(pairs), message, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))
    }

    #[test]
    fn a_limit_names_its_end_in_seconds_as_a_date_or_as_an_epoch() {
        let thirty = Advice::Limited(Some(Duration::from_secs(30)));
        assert_eq!(at(403, &[("retry-after", "30")], ""), thirty);
        assert_eq!(at(429, &[("retry-after", "Mon, 12 Jan 1970 13:47:10 GMT")], ""), thirty);
        assert_eq!(at(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000030")], ""), thirty);
        assert_eq!(at(403, &[], "You have exceeded a secondary rate limit."), Advice::Limited(Some(UNSAID)));
    }

    #[test]
    fn a_limit_is_counted_by_the_clock_of_the_server_that_set_it() {
        let skewed = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "2000030"),
            ("date", "Sat, 24 Jan 1970 03:33:20 GMT"),
        ];
        assert_eq!(at(403, &skewed, ""), Advice::Limited(Some(Duration::from_secs(30))));
    }

    #[test]
    fn a_pause_is_read_in_every_form_that_servers_write_it_in() {
        let now = "Sat, 28 Nov 2026 12:00:00 GMT";
        for text in ["30", " 30 ", "30.0", "30.7", "Sat, 28 Nov 2026 12:00:30 GMT", "1795867230", "1795867230000"] {
            let asked = at(503, &[("retry-after", text), ("date", now)], "");
            assert_eq!(asked, Advice::Transient(Some(Duration::from_secs(30))), "{text}");
        }
        for text in ["0", "Sat, 28 Nov 2026 11:00:00 GMT", "1795867200", "1795860000"] {
            let asked = at(429, &[("retry-after", text), ("date", now)], "");
            assert_eq!(asked, Advice::Limited(Some(Duration::ZERO)), "{text}");
        }
        for text in ["", "soon", "-5"] {
            assert_eq!(at(503, &[("retry-after", text), ("date", now)], ""), Advice::Transient(None), "{text}");
        }
    }

    #[test]
    fn transient_http_statuses_differ_from_permanent_ones() {
        for status in [408, 425, 499, 500, 502, 503, 504, 520, 522, 524, 525, 527, 529, 530] {
            assert_eq!(at(status, &[], ""), Advice::Transient(None), "{status}");
        }
        assert_eq!(at(429, &[], ""), Advice::Limited(None));
        for status in [400, 401, 403, 404, 405, 409, 410, 412, 413, 422, 451, 501, 505, 507] {
            assert_eq!(at(status, &[], ""), Advice::Final, "{status}");
        }
    }

    #[test]
    fn a_refusal_is_no_limit() {
        let quota_left = [("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", "1000030")];
        assert_eq!(at(403, &quota_left, "Resource not accessible by integration"), Advice::Final);
        assert_eq!(at(422, &[], ""), Advice::Final);
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempt in 1..40 {
            let (least, most) = (Duration::from_millis(500), Duration::from_secs(32));
            assert!((least..=most).contains(&back_off(attempt)));
        }
        assert!(back_off(5) > back_off(1));
    }
}
