//! What the program writes to standard error, one line per event.

mod line;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Format;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;
use line::OneLine;

/// Begins to write, in the form that the configuration names. A second call changes nothing.
pub fn init(log: &Log) {
    // The configuration was checked: what does not parse here is no level that it takes.
    let filter =
        log.filter.parse::<Targets>().unwrap_or_else(|_unchecked| Targets::new().with_default(LevelFilter::INFO));
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(std::io::stderr);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let result = if log.json {
        let builder = builder.json().flatten_event(true).with_span_list(false);
        builder.map_event_format(|format| OneLine { format, colours: false }).finish().with(filter).try_init()
    } else {
        let builder = builder.with_ansi(colours);
        let one_line = |format: Format| OneLine { format: format.with_ansi(colours), colours };
        builder.map_event_format(one_line).finish().with(filter).try_init()
    };
    // Only a program that embeds this one has a log of its own already.
    result.ok();
}
