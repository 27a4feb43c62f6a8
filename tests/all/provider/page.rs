//! `docs/use/providers.md` says what is so.

use serde_json::json;
use vendors::{Scene, Vendor};

use super::stt::{connect_with, rest, send};
use super::tts::VENDORS;
use super::{heard, voice};
use bytes::Bytes;

const RATES: [u32; 7] = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// The cells of a row of the page's tables, the first one being its name.
fn row(name: &str) -> Vec<String> {
    let page = include_str!("../../../docs/use/providers.md");
    let row = page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
    row.split('|').skip(2).map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
}

/// The rates that a cell names, in kHz.
fn rates(cell: &str) -> Vec<u32> {
    if cell.starts_with("any") {
        return RATES.to_vec();
    }
    let named = |word: &str| RATES.into_iter().find(|rate| format!("{}", f64::from(*rate) / 1_000.0) == word);
    cell.split([' ', ',', ';']).filter_map(named).collect()
}

#[tokio::test]
async fn the_rates_that_are_made_are_those_of_the_page() {
    let columns = [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Cartesia, Vendor::Azure, Vendor::Google];
    assert_eq!(columns, VENDORS);
    for (vendor, cell) in columns.into_iter().zip(row("linear16 is made at (kHz)")) {
        let listed = rates(&cell);
        let server = vendors::server(vendor).start().await;
        for rate in RATES {
            let audio =
                heard(voice(vendor, &server, json!({"sample_rate": rate})).speak("some text", None)).await.unwrap();
            let untouched = audio == vendors::speech("some text", "linear16", rate);
            assert_eq!(untouched, listed.contains(&rate), "{vendor:?} at {rate}");
        }
    }
}

#[tokio::test]
async fn the_rates_that_are_taken_are_those_of_the_page() {
    let cells = row("taken untouched");
    assert!(cells[2].contains("at those rates"));
    let azure = rates(&cells[3]);
    let elevenlabs = rates(cells[1].split(';').next().unwrap());
    for (vendor, listed) in [
        (Vendor::Deepgram, RATES.to_vec()),
        (Vendor::ElevenLabs, elevenlabs.clone()),
        (Vendor::Cartesia, elevenlabs),
        (Vendor::Azure, azure),
    ] {
        for rate in RATES {
            let server = vendors::server(vendor).stt([Scene::new()]).start().await;
            let stt = connect_with(vendor, &server, json!({"sample_rate": rate})).await;
            let audio = Bytes::from((0..8).flat_map(|_| 0..=249_u8).collect::<Vec<_>>());
            send(&stt, [audio.clone()]).await;
            rest(stt).await;
            server.until(|record| record.connections[0].ended).await;
            let untouched = server.record().connections[0].audio == audio;
            assert_eq!(untouched, listed.contains(&rate), "{vendor:?} at {rate}");
        }
    }
}

#[tokio::test]
async fn the_usual_voices_are_those_of_the_page() {
    let cells = row("voice where none is named");
    for (vendor, cell) in VENDORS.into_iter().zip(cells).filter(|(vendor, _)| *vendor != Vendor::Cartesia) {
        let server = vendors::server(vendor).start().await;
        heard(voice(vendor, &server, json!({})).speak("x", None)).await.unwrap();
        let record = server.record();
        let asked = record.requests.last().unwrap();
        let whole = format!("{} {:?} {}", asked.path, asked.query, asked.body);
        assert!(whole.contains(cell.trim_matches('`')), "{vendor:?}: {whole}");
    }
}
