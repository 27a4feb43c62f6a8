"""Cartesia's own SDK against the counterpart; argument: its address. Prints what was heard and how much was spoken as JSON."""

import asyncio
import json
import sys

from cartesia import AsyncCartesia

AUDIO = {"encoding": "pcm_s16le", "sample_rate": 16000}
OUTPUT = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000}


async def manual(client):
    heard = []
    async with client.stt.manual_finalize.websocket(model="ink-whisper", language="en", **AUDIO) as socket:
        for _ in range(25):
            await socket.send_raw(bytes(640))
        await socket.send("close")
        async for message in socket:
            heard.append([message.text, message.is_final] if message.type == "transcript" else message.type)
    return heard


async def turns(client):
    heard = []
    async with client.stt.auto_finalize.websocket(model="ink-2", **AUDIO) as socket:
        for _ in range(25):
            await socket.send_raw(bytes(640))
        async for message in socket:
            heard.append([message.type, getattr(message, "transcript", None)])
            if message.type == "turn.end":
                return heard


async def main(url):
    client = AsyncCartesia(api_key="key-of-the-tests", base_url=url)
    voice = {"mode": "id", "id": "a0e99841-438c-4a64-b679-ae501e7d6091"}
    answer = await client.tts.generate(model_id="sonic-3", transcript="hello", voice=voice, output_format=OUTPUT)
    spoken = len(await answer.read())
    print(json.dumps({"heard": await manual(client), "turns": await turns(client), "spoken": spoken}))


asyncio.run(main(sys.argv[1]))
