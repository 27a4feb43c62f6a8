"""ElevenLabs' own SDK against the counterpart; argument: its address. Prints what was heard and how much was spoken as JSON."""

import asyncio
import base64
import json
import sys

from elevenlabs import AudioFormat, CommitStrategy, RealtimeEvents
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.realtime import ScribeRealtime

KEY = "key-of-the-tests"
OPTIONS = {
    "model_id": "scribe_v2_realtime",
    "audio_format": AudioFormat.PCM_16000,
    "sample_rate": 16000,
    "commit_strategy": CommitStrategy.VAD,
    "language_code": "en",
}


async def listen(url):
    connection = await ScribeRealtime(KEY, url.replace("http", "ws")).connect(OPTIONS)
    messages = asyncio.Queue()
    connection.on(RealtimeEvents.PARTIAL_TRANSCRIPT, lambda data: messages.put_nowait([data["text"], False]))
    connection.on(RealtimeEvents.COMMITTED_TRANSCRIPT, lambda data: messages.put_nowait([data["text"], True]))
    connection.on(RealtimeEvents.ERROR, lambda data: messages.put_nowait(["error", data]))
    for _ in range(25):
        await connection.send({"audio_base_64": base64.b64encode(bytes(640)).decode()})
    heard = [await asyncio.wait_for(messages.get(), 20) for _ in range(3)]
    await connection.commit()
    heard.append(await asyncio.wait_for(messages.get(), 20))
    await connection.close()
    return heard


async def main(url):
    client = AsyncElevenLabs(api_key=KEY, base_url=url)
    request = {"voice_id": "21m00Tcm4TlvDq8ikWAM", "text": "hello", "model_id": "eleven_turbo_v2_5", "previous_text": "before"}
    spoken = [piece async for piece in client.text_to_speech.stream(**request, output_format="pcm_16000")]
    listed = await client.voices.search(page_size=100)
    voices = [voice.name for voice in listed.voices]
    print(json.dumps({"heard": await listen(url), "spoken": sum(map(len, spoken)), "voices": voices}))


asyncio.run(main(sys.argv[1]))
