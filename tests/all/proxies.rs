//! Proxies of outgoing connections: requests and WebSocket connections use the same ones, and none for this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use vendors::{Say, Scene, Vendor};

use crate::support::World;
use crate::support::client::{Client, Frame, config};

/// An HTTP proxy that takes everything to one server, whatever host is named, and writes down what it was asked.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || pass(client, server, &seen));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn pass(client: TcpStream, server: SocketAddr, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|n| *n > 0)?;
    }
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let authorized = head.to_lowercase().contains("\r\nproxy-authorization: basic dtpzm2nyzxq=\r\n");
    seen.lock().unwrap().push(if authorized { format!("{line} (u:s3cret)") } else { line.clone() });
    let mut upstream = TcpStream::connect(server).ok()?;
    if line.starts_with("CONNECT ") {
        (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    } else {
        upstream.write_all(head.as_bytes()).ok()?;
    }
    let (mut back, mut out) = (upstream.try_clone().ok()?, client);
    thread::spawn(move || drop(std::io::copy(&mut back, &mut out)));
    let mut chunk = [0; 4096];
    loop {
        let count = reader.read(&mut chunk).ok().filter(|n| *n > 0)?;
        upstream.write_all(&chunk[..count]).ok()?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_serves_synthesis_and_recognition() {
    let scene = Scene::new().after(3200).say(Say::speech_final("hello"));
    for tls in [false, true] {
        let vendor = vendors::server(Vendor::Deepgram).stt([scene.clone()]);
        let deepgram = if tls { vendor.tls().start().await } else { vendor.start().await };
        let world = World::new();
        let mut variables = vec![("DEEPGRAM_API_KEY", vendors::KEY.to_owned())];
        if tls {
            std::fs::write(world.path("ca.pem"), deepgram.authority()).unwrap();
            variables.push(("SAYNA_SERVER_EXTRA_CA", "ca.pem".to_owned()));
        }
        let port = deepgram.url().rsplit(':').next().unwrap().parse().unwrap();
        let proxy = Proxy::before(([127, 0, 0, 1], port).into());
        let (http, ws, name) = if tls { ("https", "wss", "HTTPS_PROXY") } else { ("http", "ws", "http_proxy") };
        variables.push(("SAYNA_PROVIDERS_DEEPGRAM_STT_URL", format!("{ws}://vendor.test:4443")));
        variables.push(("SAYNA_PROVIDERS_DEEPGRAM_TTS_URL", format!("{http}://vendor.test:4443")));
        variables.push((name, format!("http://u:s3cret@{}", proxy.address)));
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let server = world.serve(&variables);
        let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
        client.audio(vec![0; 3200]).await;
        client.expect_heard("hello", true, true).await;
        client.speak("hello").await;
        assert!(matches!(client.next().await, Frame::Audio(_)));
        let asked = proxy.asked();
        let connect = "CONNECT vendor.test:4443 (u:s3cret)".to_owned();
        assert_eq!(asked.first(), Some(&connect));
        let spoken = if tls { connect.as_str() } else { "POST http://vendor.test:4443/v1/speak" };
        assert!(asked.get(1).is_some_and(|line| line.starts_with(spoken) && line.ends_with("(u:s3cret)")), "{asked:?}");
        assert_eq!(deepgram.record().faults(), Vec::<String>::new());
    }
}

/// A proxy has no way to this machine.
#[tokio::test(flavor = "multi_thread")]
async fn localhost_is_reached_without_a_proxy() {
    let scene = Scene::new().after(3200).say(Say::speech_final("hello"));
    let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let none = "http://127.0.0.1:1";
    let proxies = [("HTTP_PROXY", none), ("HTTPS_PROXY", none), ("ALL_PROXY", none)];
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &proxies);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    client.audio(vec![0; 3200]).await;
    client.expect_heard("hello", true, true).await;
    client.speak("hello").await;
    assert!(matches!(client.next().await, Frame::Audio(_)));
}

#[tokio::test]
async fn proxy_error_hides_the_password() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = refusing.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in refusing.incoming().map_while(Result::ok) {
            let mut head = BufReader::new(client.try_clone().unwrap());
            head.read_line(&mut String::new()).unwrap();
            client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").ok();
        }
    });
    let proxy = format!("http://u:s3cret@{address}");
    let server = World::new().serve(&[
        ("DEEPGRAM_API_KEY", vendors::KEY),
        ("SAYNA_PROVIDERS_DEEPGRAM_STT_URL", "wss://vendor.test"),
        ("HTTPS_PROXY", &proxy),
    ]);
    let mut client = Client::connect(&server).await;
    client.send(config("deepgram", "deepgram")).await;
    let error = client.expect("error").await["message"].as_str().unwrap().to_owned();
    assert!(error.contains(&format!("the proxy http://{address}")), "{error}");
    assert!(error.contains("proxy authorization required") && !error.contains("s3cret"), "{error}");
}

#[test]
fn invalid_proxy_variable_stops_the_start() {
    for value in ["socks5://u:s3cret@127.0.0.1:1080", "ftp://127.0.0.1"] {
        for arguments in [&["check"][..], &[]] {
            let ended = World::new().run_with(arguments, &[("HTTPS_PROXY", value)]);
            assert_eq!(ended.status, Some(2), "{}", ended.stderr);
            assert!(ended.stderr.contains("HTTPS_PROXY is ") && !ended.stderr.contains("s3cret"), "{}", ended.stderr);
        }
    }
    assert_eq!(World::new().run_with(&["check"], &[("HTTPS_PROXY", "")]).status, Some(0));
}

/// A name with two addresses, of which the first leads nowhere: packets to it are lost. The test runs itself once more in a network
/// of its own, which has such a route.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs unshare and ip"]
async fn recognition_connects_despite_a_dead_ipv6_route() {
    const INSIDE: &str = "SAYNA_TEST_DEAD_ROUTE";
    let name = "proxies::recognition_connects_despite_a_dead_ipv6_route";
    if std::env::var_os(INSIDE).is_none() {
        let script = "ip link set lo up && ip -6 addr add fd00::1/128 dev lo nodad && ip -6 route add fd00::/64 dev lo && \
                      printf 'fd00::99 vendor.test\\n127.0.0.1 vendor.test localhost\\n' >hosts && \
                      mount --bind hosts /etc/hosts && exec \"$0\" --exact \"$1\" --ignored";
        let world = World::new();
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "--mount", "sh", "-c", script]);
        command.arg(std::env::current_exe().unwrap()).arg(name);
        let output = command.current_dir(world.path("")).env(INSIDE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let scene = Scene::new().after(3200).say(Say::speech_final("hello"));
    let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let named = |url: String| url.replace("127.0.0.1", "vendor.test");
    let (stt, tts) = (named(deepgram.ws_url()), named(deepgram.url()));
    let server = World::new().serve(&[
        ("DEEPGRAM_API_KEY", vendors::KEY),
        ("SAYNA_PROVIDERS_DEEPGRAM_STT_URL", &stt),
        ("SAYNA_PROVIDERS_DEEPGRAM_TTS_URL", &tts),
    ]);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    client.audio(vec![0; 3200]).await;
    client.expect_heard("hello", true, true).await;
    client.speak("hello").await;
    assert!(matches!(client.next().await, Frame::Audio(_)));
}
