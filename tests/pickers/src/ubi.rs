//! `ubi`, as a library: it asks a forge for the assets of the newest release, and downloads the one that it takes. The forge is a
//! server here, which notes what is downloaded.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use platforms::Platform;

use crate::Pick;
use crate::plan::Plan;

/// Systems that a release has nothing for.
const OTHERS: [&str; 4] = [
    "i686-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "x86_64-unknown-freebsd",
    "armv7-unknown-linux-gnueabihf",
];

struct Forge {
    address: String,
    downloads: Receiver<String>,
}

impl Forge {
    fn start(names: &[String]) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        let address = format!("http://{}", listener.local_addr().map_err(|e| e.to_string())?);
        let assets: Vec<serde_json::Value> = names
            .iter()
            .map(|name| serde_json::json!({"name": name, "url": format!("{address}/asset/{name}")}))
            .collect();
        let release = serde_json::json!({"published_at": "2026-01-01T00:00:00Z", "assets": assets}).to_string();
        let (said, downloads) = channel();
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                // A connection that breaks has asked for nothing.
                let _ = answer(connection, &release, &said);
            }
        });
        Ok(Self { address, downloads })
    }
}

fn answer(connection: TcpStream, release: &str, said: &Sender<String>) -> std::io::Result<()> {
    let mut reader = BufReader::new(&connection);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path.strip_prefix("/asset/") {
        Some(name) => {
            let _ = said.send(name.to_owned());
            ("404 Not Found", "")
        }
        None => ("200 OK", release),
    };
    let length = body.len();
    write!(&connection, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// What it takes for each target of the server, and that it takes nothing for a system that the release has nothing for.
pub fn picks(plan: &Plan, names: &[String]) -> Result<Vec<Pick>, String> {
    let forge = Forge::start(names)?;
    let mut picks = Vec::new();
    for target in plan.server() {
        let taken = take(&forge, &target.triple, false)?;
        picks.push(Pick { asked: format!("ubi {}", target.triple), taken, wanted: Some(target.archive.clone()) });
    }
    for triple in OTHERS {
        picks.push(Pick { asked: format!("ubi {triple}"), taken: take(&forge, triple, false)?, wanted: None });
    }
    // An executable for glibc does not start where there is musl.
    let triple = "x86_64-unknown-linux-musl";
    picks.push(Pick { asked: format!("ubi {triple}"), taken: take(&forge, triple, true)?, wanted: None });
    Ok(picks)
}

fn take(forge: &Forge, triple: &str, is_musl: bool) -> Result<Result<String, String>, String> {
    let platform = Platform::find(triple).ok_or_else(|| format!("ubi does not know {triple}"))?;
    let folder = std::env::temp_dir();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let mut ubi = ubi::UbiBuilder::new()
        .project("saynaai/sayna")
        .platform(platform)
        .is_musl(is_musl)
        .api_base_url(&forge.address)
        .install_dir(&folder)
        .build()
        .map_err(|e| format!("{e:#}"))?;
    let ended = runtime.block_on(ubi.install_binary());
    let taken = forge.downloads.try_iter().next();
    Ok(taken.ok_or_else(|| ended.err().map_or_else(|| "it asked for nothing".to_owned(), |e| e.to_string())))
}
