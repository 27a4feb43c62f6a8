//! Layers and downloads that go on for longer than was said.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use sayna_release::http::{Client, Method, Request};
use sayna_release::image;
use sayna_release::oci::media;
use tar::{Builder, Header};

#[test]
fn a_layer_that_unpacks_without_end_is_refused_with_both_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(32 << 20);
    header.set_mode(0o755);
    builder.append_data(&mut header, "usr/bin/x", &*vec![0; 32 << 20]).unwrap();
    let tar = builder.into_inner().unwrap();
    let zstd = zstd::encode_all(tar.as_slice(), 3).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&tar).unwrap();
    for (bytes, kind) in [(zstd, media::LAYER_ZSTD), (gzip.finish().unwrap(), media::LAYER_GZIP)] {
        assert!(bytes.len() < 100_000, "{}", bytes.len());
        let path = folder.path().join("layer");
        fs::write(&path, bytes).unwrap();
        let layers = [(path, kind)];
        assert_eq!(image::executable(&layers, "/usr/bin/x", 40 << 20).unwrap().size, 32 << 20);
        let refused = image::executable(&layers, "/usr/bin/x", 1 << 20).unwrap_err().to_string();
        let said = "an unpacked layer has 1048577 or more bytes; the limit is 1048576";
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn a_download_without_end_is_given_up_and_leaves_nothing() {
    for head in ["", "Content-Length: 1000000000000\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _read = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n").as_bytes()).unwrap();
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        });
        let folder = tempfile::tempdir().unwrap();
        let (client, request) = (Client::new().unwrap(), Request::new(Method::GET, &url));
        let error = client.send(&request).unwrap().save(&folder.path().join("x"), 10_000).unwrap_err().to_string();
        assert!(error.contains("the limit is 10000"), "{error}");
        assert!(head.is_empty() || error.contains("1000000000000 bytes"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
