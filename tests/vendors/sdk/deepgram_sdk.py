"""Deepgram's own SDK against the counterpart; argument: its address. Prints what was heard and how much was spoken as JSON."""

import asyncio
import json
import sys

from deepgram import AsyncDeepgramClient
from deepgram.environment import DeepgramClientEnvironment


async def main(url):
    places = {"base": url, "production": url.replace("http", "ws"), "agent": url, "agent_rest": url}
    client = AsyncDeepgramClient(api_key="key-of-the-tests", environment=DeepgramClientEnvironment(**places))
    heard = []
    options = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16000, "interim_results": True}
    async with client.listen.v1.connect(**options) as socket:
        await socket.send_keep_alive()
        for _ in range(25):
            await socket.send_media(bytes(640))
        await socket.send_close_stream()
        async for message in socket:
            if message.type == "Results":
                best = message.channel.alternatives[0]
                heard.append([best.transcript, message.is_final, message.speech_final])
    form = {"model": "aura-2-thalia-en", "encoding": "linear16", "container": "none", "sample_rate": 16000}
    spoken = [piece async for piece in client.speak.v1.audio.generate(text="hello", **form)]
    models = await client.manage.v1.models.list()
    voices = [model.canonical_name for model in models.tts]
    print(json.dumps({"heard": heard, "spoken": sum(map(len, spoken)), "voices": voices}))


asyncio.run(main(sys.argv[1]))
