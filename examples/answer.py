"""Says a recording to Sayna and has the answer spoken: `python3 answer.py question.wav answer.wav [address]`.

The recording is WAV: 16 bits, one channel. An application would call a language model in `reply`.
"""

import asyncio
import os
import sys
import wave

from sayna_client import SaynaClient, STTConfig, TTSConfig


# Seconds without a word after which the program ends.
QUIET = float(os.environ.get("QUIET", "2"))


def reply(heard):
    return f"You said: {heard}"


async def main(question, answer, url="http://localhost:3001"):
    with wave.open(question) as recording:
        rate, samples = recording.getframerate(), recording.readframes(recording.getnframes())
    hear = STTConfig(
        provider="local", language="en", sample_rate=rate, channels=1, punctuation=True, encoding="linear16", model=""
    )
    speak = TTSConfig(provider="local", model="", audio_format="linear16", sample_rate=24000)
    client = SaynaClient(url, stt_config=hear, tts_config=speak)
    ready, spoken, results = asyncio.Event(), asyncio.Event(), asyncio.Queue()
    heard, audio = [], bytearray()

    client.register_on_ready(lambda _: ready.set())
    client.register_on_stt_result(results.put_nowait)
    client.register_on_error(lambda error: sys.exit(error.message))
    client.register_on_tts_audio(audio.extend)
    client.register_on_tts_playback_complete(lambda _: spoken.set())
    await client.connect()
    await asyncio.wait_for(ready.wait(), 30)
    # A tenth of a second at a time, as a microphone would; and a second of silence, after which a turn is over.
    tenth = rate // 10 * 2
    samples += bytes(10 * tenth)
    for at in range(0, len(samples), tenth):
        await client.on_audio_input(samples[at : at + tenth])
        await asyncio.sleep(0.1)
    try:
        while True:
            result = await asyncio.wait_for(results.get(), QUIET if heard else 30)
            print("heard" if result.is_final else "  ...", result.transcript)
            if result.is_final:
                heard.append(result.transcript)
    except asyncio.TimeoutError:
        pass
    await client.speak(reply(" ".join(heard)))
    await asyncio.wait_for(spoken.wait(), 60)
    await client.disconnect()
    with wave.open(answer, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(24000)
        recording.writeframes(bytes(audio))
    print(f"answered in {answer}: {len(audio) / 48000:.1f} s")


asyncio.run(main(*sys.argv[1:]))
