//! `examples/talk.html` in Chromium, with a simulated microphone.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use vendors::Vendor;

use crate::support::World;

/// Headless Chromium, and the connection that controls it (the Chrome `DevTools` Protocol).
struct Browser {
    child: Child,
    _profile: tempfile::TempDir,
    page: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
}

impl Browser {
    async fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromium");
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            "--window-size=900,760",
        ]);
        command.args([
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut child =
            command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("chromium: `.ci/setup` installs it");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.starts_with("DevTools listening on ")).expect("the address of DevTools");
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.split('/').nth(2).unwrap().parse().unwrap();
        let pages: Value = serde_json::from_str(&crate::support::get(address, "/json/list")).unwrap();
        let page = pages.as_array().unwrap().iter().find(|page| page["type"] == "page").unwrap();
        let (page, _) = connect_async(page["webSocketDebuggerUrl"].as_str().unwrap()).await.unwrap();
        let mut browser = Self { child, _profile: profile, page, asked: 0 };
        browser.ask("Page.navigate", json!({"url": url})).await;
        browser
    }

    async fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.asked += 1;
        let question = json!({"id": self.asked, "method": method, "params": parameters});
        self.page.send(Message::text(question.to_string())).await.unwrap();
        loop {
            let message = self.page.next().await.unwrap().unwrap();
            let answer: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if answer["id"] == self.asked {
                assert!(answer["error"].is_null(), "{answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Waits until an expression is truthy, and returns its value. Panics with the text of the page after 30 s.
    async fn until(&mut self, expression: &str) -> Value {
        let script = format!(
            "new Promise(done => {{ const begun = Date.now(); const look = setInterval(() => {{ \
             let value; try {{ value = {expression}; }} catch {{}} \
             if (value || Date.now() - begun > 30000) {{ clearInterval(look); done(value || null); }} }}, 20); }})"
        );
        let value = self
            .ask("Runtime.evaluate", json!({"expression": script, "awaitPromise": true, "returnByValue": true}))
            .await;
        if value["result"]["value"].is_null() {
            let shown = json!({"expression": "document.body.innerText", "returnByValue": true});
            panic!("{expression} never: {}", self.ask("Runtime.evaluate", shown).await["result"]["value"]);
        }
        value["result"]["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn the_example_page_shows_recognized_text_and_plays_speech() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/talk.html")).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/talk.html", get(async || Html(page)));
    tokio::spawn(async { axum::serve(listener, router).await });
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_SERVER_ALLOWED_ORIGINS", &origin)]);
    let mut browser = Browser::open(&format!("{origin}/talk.html?server=ws://{}/ws&begin", server.address)).await;
    browser.until("document.querySelectorAll('#talk .you:not(.interim)').length >= 2").await;
    let heard = browser.until("document.querySelector('#talk .you:not(.interim)').textContent").await;
    assert_eq!(heard, "hello there");
    browser.until("document.getElementById('text').value = 'Good to hear you.'").await;
    browser.until("document.getElementById('say').requestSubmit() === undefined").await;
    browser.until("document.body.dataset.spoken").await;
    let frames = browser.until("document.body.dataset.frames").await;
    let expected = "Good to hear you.".len() * vendors::SAMPLES_PER_CHARACTER / 240;
    assert_eq!(frames, expected.to_string());
    let picture = browser.ask("Page.captureScreenshot", json!({"format": "png"})).await;
    let picture = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    if let Ok(path) = std::env::var("SAYNA_SCREENSHOT") {
        std::fs::write(path, picture).unwrap();
    }
    browser.until("document.getElementById('end').click() === undefined").await;
    deepgram.until(|record| record.connections[0].ended).await;
    assert_eq!(deepgram.record().faults(), Vec::<String>::new());
}
