//! Parses each vendor's list. Pure: bodies in, voices out.

use std::collections::HashMap;

use serde::Deserialize;

use super::VoiceInfo;
use super::locale::{accent, language};
use crate::provider::Name;

const UNKNOWN: &str = "Unknown";

/// A page of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) voices: Vec<VoiceInfo>,
    /// The token of the next page.
    pub(super) next: Option<String>,
}

/// Parses a page. Voices without an id are left out.
pub(super) fn read(provider: Name, body: &[u8]) -> Result<Listed, serde_json::Error> {
    let mut listed = match provider {
        Name::ElevenLabs => elevenlabs(serde_json::from_slice(body)?),
        Name::Deepgram => whole(serde_json::from_slice::<DeepgramModels>(body)?.tts, deepgram),
        Name::Google => whole(serde_json::from_slice::<GoogleVoices>(body)?.voices, google),
        Name::Azure => whole(serde_json::from_slice(body)?, azure),
        Name::Cartesia | Name::Local => Listed::default(),
    };
    listed.voices.retain(|voice| !voice.id.is_empty());
    Ok(listed)
}

fn whole<T>(voices: Vec<T>, map: fn(T) -> VoiceInfo) -> Listed {
    Listed { voices: voices.into_iter().map(map).collect(), next: None }
}

#[derive(Deserialize)]
struct ElevenLabsVoices {
    voices: Vec<ElevenLabsVoice>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct ElevenLabsVoice {
    voice_id: String,
    name: String,
    #[serde(default)]
    preview_url: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    labels: Option<HashMap<String, Option<String>>>,
    #[serde(default)]
    verified_languages: Option<Vec<ElevenLabsLanguage>>,
}

#[derive(Deserialize)]
struct ElevenLabsLanguage {
    language: String,
    #[serde(default)]
    accent: Option<String>,
}

fn elevenlabs(page: ElevenLabsVoices) -> Listed {
    let map = |voice: ElevenLabsVoice| {
        let labels = voice.labels.unwrap_or_default();
        let label = |name: &&str| labels.get(*name).and_then(Option::as_deref).and_then(one_gender);
        let described = || voice.description.as_deref().and_then(described_gender);
        let gender = ["gender", "sex", "voice_type"].iter().find_map(label).or_else(described);
        let verified = voice.verified_languages.unwrap_or_default().into_iter().next();
        let (language, accent) = verified.map(|verified| (verified.language, verified.accent)).unzip();
        VoiceInfo {
            id: voice.voice_id,
            sample: voice.preview_url.unwrap_or_default(),
            name: voice.name,
            accent: known(accent.flatten()),
            gender: gender.unwrap_or(UNKNOWN).to_owned(),
            language: known(language),
        }
    };
    let next = page.next_page_token.filter(|token| page.has_more && !token.is_empty());
    Listed { voices: page.voices.into_iter().map(map).collect(), next }
}

fn known(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// Returns the gender of a label. `female` contains `male`.
fn one_gender(label: &str) -> Option<&'static str> {
    words(label).find_map(|word| match word.as_str() {
        "male" => Some("Male"),
        "female" => Some("Female"),
        _ => None,
    })
}

/// Returns the gender in a description, unless it mentions both.
fn described_gender(description: &str) -> Option<&'static str> {
    let words: Vec<String> = words(description).collect();
    let any = |of: &[&str]| words.iter().any(|word| of.contains(&word.as_str()));
    let male = any(&["male", "masculine", "man", "gentleman"]);
    let female = any(&["female", "feminine", "woman", "lady"]);
    match (male, female) {
        (true, false) => Some("Male"),
        (false, true) => Some("Female"),
        _ => None,
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase)
}

#[derive(Deserialize)]
struct DeepgramModels {
    #[serde(default)]
    tts: Vec<DeepgramModel>,
}

#[derive(Deserialize)]
struct DeepgramModel {
    name: String,
    canonical_name: String,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    metadata: Option<DeepgramMetadata>,
}

#[derive(Deserialize, Default)]
struct DeepgramMetadata {
    #[serde(default)]
    accent: Option<String>,
    #[serde(default)]
    sample: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
}

fn deepgram(model: DeepgramModel) -> VoiceInfo {
    let metadata = model.metadata.unwrap_or_default();
    let gender = metadata.tags.unwrap_or_default().iter().find_map(|tag| described_gender(tag));
    let language = model.languages.into_iter().next();
    VoiceInfo {
        id: model.canonical_name,
        sample: metadata.sample.unwrap_or_default(),
        name: model.name,
        accent: known(metadata.accent),
        gender: gender.unwrap_or(UNKNOWN).to_owned(),
        language: known(language.map(|code| if code.starts_with("en") { "English".to_owned() } else { code })),
    }
}

#[derive(Deserialize)]
struct GoogleVoices {
    #[serde(default)]
    voices: Vec<GoogleVoice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GoogleVoice {
    name: String,
    #[serde(default)]
    language_codes: Vec<String>,
    #[serde(default)]
    ssml_gender: Option<String>,
}

fn google(voice: GoogleVoice) -> VoiceInfo {
    let code = voice.language_codes.into_iter().next().unwrap_or_default();
    let name = voice.name.split('-').skip(2).collect::<Vec<_>>().join(" ");
    let gender = match voice.ssml_gender.as_deref() {
        Some("MALE") => "Male",
        Some("FEMALE") => "Female",
        Some("NEUTRAL") => "Neutral",
        _ => UNKNOWN,
    };
    VoiceInfo {
        sample: String::new(),
        name: if name.is_empty() { voice.name.clone() } else { name },
        id: voice.name,
        accent: accent(&code),
        gender: gender.to_owned(),
        language: language(&code),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AzureVoice {
    short_name: String,
    display_name: String,
    locale: String,
    #[serde(default)]
    gender: Option<String>,
}

fn azure(voice: AzureVoice) -> VoiceInfo {
    VoiceInfo {
        id: voice.short_name,
        sample: String::new(),
        name: voice.display_name,
        accent: accent(&voice.locale),
        gender: known(voice.gender),
        language: language(&voice.locale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voices(provider: Name, body: &str) -> Vec<[String; 6]> {
        let voice = |v: VoiceInfo| [v.id, v.sample, v.name, v.accent, v.gender, v.language];
        read(provider, body.as_bytes()).unwrap().voices.into_iter().map(voice).collect()
    }

    #[test]
    fn elevenlabs_voices_are_parsed() {
        let body = r#"{"voices":[
            {"voice_id":"a","name":"Rachel","preview_url":"https://x/r.mp3","labels":{"gender":"female","age":null},
             "verified_languages":[{"language":"en","accent":"american"},{"language":"de","accent":"standard"}]},
            {"voice_id":"b","name":"Adam","description":"A deep voice of an old man","labels":null,"verified_languages":null},
            {"voice_id":"c","name":"Sam","description":"Neither man nor woman","labels":{"sex":"Male"}},
            {"voice_id":"","name":"Nobody"}],"has_more":true,"next_page_token":"t"}"#;
        assert_eq!(
            voices(Name::ElevenLabs, body),
            [
                ["a", "https://x/r.mp3", "Rachel", "american", "Female", "en"],
                ["b", "", "Adam", "Unknown", "Male", "Unknown"],
                ["c", "", "Sam", "Unknown", "Male", "Unknown"],
            ]
        );
        assert_eq!(read(Name::ElevenLabs, body.as_bytes()).unwrap().next.as_deref(), Some("t"));
        let last = read(Name::ElevenLabs, br#"{"voices":[],"has_more":false,"next_page_token":"t"}"#).unwrap();
        assert_eq!(last, Listed::default());
    }

    #[test]
    fn deepgram_voices_are_parsed() {
        let body = r#"{"stt":[{"name":"nova"}],"tts":[
            {"name":"thalia","canonical_name":"aura-2-thalia-en","languages":["en-US","en"],
             "metadata":{"accent":"American","sample":"https://x/t.wav","tags":["Feminine","clear"]}},
            {"name":"celeste","canonical_name":"aura-2-celeste-es","languages":["es"],"metadata":{"tags":["masculine"]}},
            {"name":"bare","canonical_name":"aura-bare"}]}"#;
        assert_eq!(
            voices(Name::Deepgram, body),
            [
                ["aura-2-thalia-en", "https://x/t.wav", "thalia", "American", "Female", "English"],
                ["aura-2-celeste-es", "", "celeste", "Unknown", "Male", "es"],
                ["aura-bare", "", "bare", "Unknown", "Unknown", "Unknown"],
            ]
        );
        assert_eq!(voices(Name::Deepgram, "{}"), <[[String; 6]; 0]>::default());
    }

    #[test]
    fn google_voices_are_parsed() {
        let body = r#"{"voices":[
            {"languageCodes":["en-GB"],"name":"en-GB-Chirp3-HD-Puck","ssmlGender":"MALE","naturalSampleRateHertz":24000},
            {"languageCodes":["cmn-CN"],"name":"cmn-CN-Standard-A","ssmlGender":"SSML_VOICE_GENDER_UNSPECIFIED"},
            {"name":"Puck"}]}"#;
        assert_eq!(
            voices(Name::Google, body),
            [
                ["en-GB-Chirp3-HD-Puck", "", "Chirp3 HD Puck", "British", "Male", "English"],
                ["cmn-CN-Standard-A", "", "Standard A", "Mainland China", "Unknown", "Chinese"],
                ["Puck", "", "Puck", "Unknown", "Unknown", "Unknown"],
            ]
        );
    }

    #[test]
    fn azure_voices_are_parsed() {
        let body = r#"[
            {"Name":"Microsoft …","DisplayName":"Ava","LocalName":"Ava","ShortName":"en-US-AvaNeural","Gender":"Female",
             "Locale":"en-US","VoiceType":"Neural"},
            {"DisplayName":"Xiaobei","ShortName":"zh-CN-liaoning-XiaobeiNeural","Locale":"zh-CN-liaoning"}]"#;
        assert_eq!(
            voices(Name::Azure, body),
            [
                ["en-US-AvaNeural", "", "Ava", "American", "Female", "English"],
                ["zh-CN-liaoning-XiaobeiNeural", "", "Xiaobei", "Mainland China", "Unknown", "Chinese"],
            ]
        );
    }

    #[test]
    fn malformed_voice_list_is_an_error() {
        for provider in [Name::ElevenLabs, Name::Deepgram, Name::Google, Name::Azure] {
            for garbage in ["", "null", "7", r#"{"voices":7,"tts":7}"#, r#"[{"Locale":7}]"#] {
                assert!(read(provider, garbage.as_bytes()).is_err(), "{provider}: {garbage}");
            }
        }
    }
}
