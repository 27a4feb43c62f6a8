"""The peers of `benches/providers.rs` in Python. Prints one line of JSON.

stt URL STREAMS SECONDS    transcriptions by deepgram-sdk: processor seconds and peak memory
tts URL TEXTS              texts by deepgram-sdk, one after another: seconds to the first audio of each, processor seconds
audio                      seconds to resample a minute by soxr, and to write it as mu-law by audioop
"""

import asyncio
import json
import resource
import struct
import sys
import time
import warnings

PIECE = 640


def usage():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss}


def client(url):
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment

    places = {"base": url, "production": url.replace("http", "ws"), "agent": url, "agent_rest": url}
    return AsyncDeepgramClient(api_key="key-of-the-tests", environment=DeepgramClientEnvironment(**places))


async def stream(deepgram, number, streams, seconds):
    options = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16000, "interim_results": True}
    async with deepgram.listen.v1.connect(**options) as socket:

        async def listen():
            async for _ in socket:
                pass

        listening = asyncio.create_task(listen())
        begin = time.monotonic() + 0.02 * number / streams
        for piece in range(seconds * 50):
            await asyncio.sleep(begin + piece * 0.02 - time.monotonic())
            await socket.send_media(struct.pack("<Q", time.time_ns()) + bytes(PIECE - 8))
        await socket.send_close_stream()
        await listening


async def stt(url, streams, seconds):
    deepgram = client(url)
    await asyncio.gather(*(stream(deepgram, number, streams, seconds) for number in range(streams)))
    return usage()


async def tts(url, texts):
    deepgram = client(url)
    form = {"model": "aura-asteria-en", "encoding": "linear16", "container": "none", "sample_rate": 24000}
    first = []
    for number in range(texts):
        begun = time.perf_counter()
        pieces = deepgram.speak.v1.audio.generate(text=f"a sentence, number {number}", **form)
        await anext(pieces)
        first.append(time.perf_counter() - begun)
        async for _ in pieces:
            pass
    return {"first": first, **usage()}


def audio():
    warnings.simplefilter("ignore")
    import audioop

    import numpy
    import soxr

    minute = (numpy.sin(numpy.arange(48000 * 60) * 0.05) * 10000).astype(numpy.int16)
    filter = soxr.ResampleStream(48000, 16000, 1, dtype="int16", quality="HQ")
    begun = time.perf_counter()
    for at in range(0, len(minute), 960):
        filter.resample_chunk(minute[at : at + 960])
    resampled = time.perf_counter() - begun
    samples = minute.tobytes()
    begun = time.perf_counter()
    for at in range(0, len(samples), 1920):
        audioop.lin2ulaw(samples[at : at + 1920], 2)
    return {"resample": resampled, "mulaw": time.perf_counter() - begun}


def main(what, *arguments):
    if what == "stt":
        said = asyncio.run(stt(arguments[0], int(arguments[1]), int(arguments[2])))
    elif what == "tts":
        said = asyncio.run(tts(arguments[0], int(arguments[1])))
    else:
        said = audio()
    print(json.dumps(said))


main(*sys.argv[1:])
