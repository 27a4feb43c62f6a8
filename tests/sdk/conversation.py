"""A conversation by the Python SDK as its users have it; argument: the server's address. Prints what happened as JSON."""

import asyncio
import json
import sys

from sayna_client import SaynaClient, STTConfig, TTSConfig
from sayna_client.errors import SaynaHttpError

STT = STTConfig(
    provider="deepgram", language="en-US", sample_rate=16000, channels=1, punctuation=True, encoding="linear16", model="nova-3"
)
TTS = TTSConfig(provider="deepgram", model="", voice_id="aura-asteria-en", audio_format="linear16", sample_rate=16000)


class Conversation:
    def __init__(self, url, **more):
        self.client = SaynaClient(url, api_key="s1", **more)
        self.events = asyncio.Queue()
        self.audio = bytearray()
        self.client.register_on_ready(lambda message: self.events.put_nowait(("ready", message.stream_id)))
        self.client.register_on_stt_result(self.heard)
        self.client.register_on_error(lambda message: self.events.put_nowait(("error", message.message)))
        self.client.register_on_tts_playback_complete(lambda message: self.events.put_nowait(("complete", message.timestamp)))
        self.client.register_on_tts_audio(self.audio.extend)

    def heard(self, message):
        self.events.put_nowait(("heard", [message.transcript, message.is_final, message.is_speech_final]))

    async def expect(self, kind):
        found, value = await asyncio.wait_for(self.events.get(), 30)
        assert found == kind, (kind, found, value)
        return value


async def main(url):
    said = {}
    talk = Conversation(url, stt_config=STT, tts_config=TTS, stream_id="a-stream")
    client = talk.client
    said["health"] = (await client.health()).status
    await client.connect()
    said["ready"] = await talk.expect("ready")
    for _ in range(5):
        await client.on_audio_input(bytes(3200))
    said["heard"] = [await talk.expect("heard") for _ in range(3)]
    for text, allow in [("hello", True), ("and good bye", False)]:
        await client.speak(text, allow_interruption=allow)
        await talk.expect("complete")
    said["spoken"] = len(talk.audio)
    await client.clear()
    await client.send_message("hello", "user")
    said["error"] = await talk.expect("error")
    await client.disconnect()
    said["voices"] = sorted((await client.get_voices()).keys())
    audio, headers = await client.speak_rest("hello", TTS)
    # Names as they come: Caddy writes them with capitals, and the SDK gives a plain dictionary.
    headers = {name.lower(): value for name, value in headers.items()}
    said["rest"] = [len(audio), headers.get("x-audio-format"), headers.get("x-sample-rate")]
    token = await client.get_livekit_token("den", "Ann", "ann-1")
    said["token"] = [token.room_name, token.participant_identity, token.livekit_url]
    said["rooms"] = [[room.name, room.num_participants] for room in (await client.get_livekit_rooms()).rooms]
    room = await client.get_livekit_room("den")
    said["room"] = [room.metadata, [[who.identity, who.state, who.kind] for who in room.participants]]
    muted = await client.mute_livekit_participant_track("den", "bob", "TR_1", True)
    transferred = await client.sip_transfer_rest("den", "bob", "+15551234567")
    removed = await client.remove_livekit_participant("den", "bob")
    said["participant"] = [muted.muted, transferred.status, transferred.transfer_to, removed.status]
    called = await client.sip_call("den", "Eve", "eve-1", "+15550000001", "+15550000002")
    said["called"] = [called.status, called.sip_call_id]
    said["hooks"] = [hook.host for hook in (await client.get_sip_hooks()).hooks]
    try:
        await client.get_livekit_room("nowhere")
    except SaynaHttpError as error:
        said["nowhere"] = error.status_code
    control = Conversation(url, without_audio=True)
    await control.client.connect()
    await control.expect("ready")
    await control.client.disconnect()
    print(json.dumps(said))


asyncio.run(main(sys.argv[1]))
