//! The tables of `docs/use/providers.md` agree with the requests that vendors receive.

use serde_json::json;
use vendors::{Scene, Vendor};

use super::stt::{connect_with, rest, send};
use super::tts::VENDORS;
use super::{heard, voice};
use bytes::Bytes;

const RATES: [u32; 7] = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// Returns the cell of a provider's row in the first table of a chapter (`##`) whose head has this column.
fn cell(chapter: &str, column: &str, vendor: Vendor) -> String {
    let page = include_str!("../../../docs/use/providers.md");
    let chapter = page.split("\n## ").find(|text| text.starts_with(chapter)).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = chapter.lines().map(cells).skip_while(|cells| !cells.iter().any(|cell| cell == column));
    let place = lines.next().unwrap().iter().position(|cell| cell == column).unwrap();
    let row = lines.find(|cells| cells.get(1).is_some_and(|name| *name == format!("{vendor:?}")));
    row.unwrap_or_else(|| panic!("no row of {vendor:?} below {column}"))[place].clone()
}

/// Returns the rates in Hz that a cell names in kHz.
fn rates(cell: &str) -> Vec<u32> {
    if cell.starts_with("any") {
        return RATES.to_vec();
    }
    let named = |word: &str| RATES.into_iter().find(|rate| format!("{}", f64::from(*rate) / 1_000.0) == word);
    cell.split([' ', ',', ';']).filter_map(named).collect()
}

#[tokio::test]
async fn speech_rates_are_those_of_the_page() {
    for vendor in VENDORS {
        let listed = rates(&cell("Speech", "linear16 at (kHz)", vendor));
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
async fn recognition_rates_are_those_of_the_page() {
    for vendor in [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Cartesia, Vendor::Azure] {
        let listed = rates(&cell("Recognition", "linear16 at (kHz)", vendor));
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
async fn default_voices_are_those_of_the_page() {
    for vendor in VENDORS.into_iter().filter(|vendor| *vendor != Vendor::Cartesia) {
        let cell = cell("Speech", "voice if none is named", vendor);
        let server = vendors::server(vendor).start().await;
        heard(voice(vendor, &server, json!({})).speak("x", None)).await.unwrap();
        let record = server.record();
        let asked = record.requests.last().unwrap();
        let whole = format!("{} {:?} {}", asked.path, asked.query, asked.body);
        assert!(whole.contains(cell.trim_matches('`')), "{vendor:?}: {whole}");
    }
}
