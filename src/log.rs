//! What the program writes to standard error, one line per event.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;

/// Begins to write, in the form that the configuration names. A second call changes nothing.
pub fn init(log: &Log) {
    let filter = EnvFilter::builder().parse_lossy(&log.filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let result = if log.json {
        builder.json().flatten_event(true).with_span_list(false).finish().try_init()
    } else {
        builder.with_ansi(colours).finish().try_init()
    };
    // Only a program that embeds this one has a log of its own already.
    result.ok();
}
