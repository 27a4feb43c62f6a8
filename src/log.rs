//! What the program writes to standard error, one line per event.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;

/// Begins to write, in the form that the configuration names. A second call changes nothing.
pub fn init(log: &Log) {
    // The configuration was checked: what does not parse here is no level that it takes.
    let filter =
        log.filter.parse::<Targets>().unwrap_or_else(|_unchecked| Targets::new().with_default(LevelFilter::INFO));
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(std::io::stderr);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let result = if log.json {
        builder.json().flatten_event(true).with_span_list(false).finish().with(filter).try_init()
    } else {
        builder.with_ansi(colours).finish().with(filter).try_init()
    };
    // Only a program that embeds this one has a log of its own already.
    result.ok();
}
