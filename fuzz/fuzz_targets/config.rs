//! `cargo fuzz run config`: no file, however made, makes the configuration parser panic, hang or contradict itself.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sayna::config::{Place, parse};

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("sayna.yaml");
    match parse(bytes, path) {
        // What was taken can be written down and is taken again as the same.
        Ok(loaded) => {
            let server = &loaded.config.server;
            let (host, port, seconds) = (&server.host, server.port, server.shutdown.as_secs());
            let text = format!("server: {{host: '{host}', port: {port}, shutdown_seconds: {seconds}}}");
            assert_eq!(parse(text.as_bytes(), path).map(|again| again.config).ok(), Some(loaded.config));
        }
        // What was not is told on printable lines, in the order of the file.
        Err(faults) => {
            assert!(faults.to_string().chars().all(|c| c == '\n' || !c.is_control()));
            let positions = faults.iter().map(|fault| match fault.place {
                Place::File(_, position) => position,
                Place::Environment(_) => unreachable!("the environment was not read"),
            });
            assert!(positions.is_sorted());
        }
    }
});
