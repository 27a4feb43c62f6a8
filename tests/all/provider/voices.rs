//! Lists of voices.

use sayna::provider::VoiceInfo;
use vendors::Vendor;

use super::{config, providers};

fn line(voice: &VoiceInfo) -> String {
    [&voice.id, &voice.sample, &voice.name, &voice.accent, &voice.gender, &voice.language].map(String::as_str).join("|")
}

#[tokio::test]
async fn voice_lists_are_read_to_the_last_page() {
    for (vendor, expected) in [
        (
            Vendor::Deepgram,
            &[
                "aura-2-thalia-en|https://static.example/thalia.wav|thalia|American|Female|English",
                "aura-2-apollo-en|https://static.example/apollo.wav|apollo|American|Male|English",
                "aura-2-celeste-en|https://static.example/celeste.wav|celeste|American|Unknown|es",
            ],
        ),
        (
            Vendor::ElevenLabs,
            &[
                "21m00Tcm4TlvDq8ikWAM|https://static.example/rachel.mp3|Rachel|american|Female|en",
                "pNInz6obpgDQGcFmaJgB||Adam|Unknown|Male|Unknown",
                "abc||Nobody|Unknown|Unknown|Unknown",
            ],
        ),
        (
            Vendor::Google,
            &[
                "en-US-Neural2-F||Neural2 F|American|Female|English",
                "en-GB-Chirp3-HD-Puck||Chirp3 HD Puck|British|Male|English",
                "cmn-CN-Standard-A||Standard A|Mainland China|Unknown|Chinese",
            ],
        ),
        (
            Vendor::Azure,
            &[
                "en-US-AvaNeural||Ava|American|Female|English",
                "de-CH-JanNeural||Jan|Swiss|Male|German",
                "zh-CN-liaoning-XiaobeiNeural||Xiaobei|Mainland China|Female|Chinese",
            ],
        ),
    ] {
        let server = vendors::server(vendor).start().await;
        let voices = providers(vendor, &server).voices().await;
        assert_eq!(voices.keys().collect::<Vec<_>>(), [&super::name(vendor)]);
        assert_eq!(voices[super::name(vendor)].iter().map(line).collect::<Vec<_>>(), *expected);
        assert_eq!(server.record().faults(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn voice_lists_leave_out_vendors_that_fail() {
    let (deepgram, azure) =
        (vendors::server(Vendor::Deepgram).start().await, vendors::server(Vendor::Azure).start().await);
    let cartesia = vendors::server(Vendor::Cartesia).start().await;
    let mut config = config(Vendor::Deepgram, &deepgram);
    config.providers.azure = super::config(Vendor::Azure, &azure).providers.azure;
    config.providers.cartesia = super::config(Vendor::Cartesia, &cartesia).providers.cartesia;
    deepgram.kill().await;
    let outbound = sayna::outbound::Outbound::new(None::<&std::path::Path>).unwrap();
    let voices = sayna::provider::Providers::new(&config, outbound).unwrap().voices().await;
    assert_eq!(voices.keys().collect::<Vec<_>>(), [&"azure"]);
    assert!(cartesia.record().requests.is_empty());
}
