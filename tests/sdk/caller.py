"""A caller in a LiveKit room, by the Python SDK; arguments: LiveKit's address, a token. Does what the lines of its input say, in
JSON, and prints what happens as lines of JSON."""

import asyncio
import json
import sys
import wave

import numpy as np
from livekit import rtc

RATE = 16000
FRAME = RATE // 100
# Quieter is silence.
SILENCE = 200


def tell(**what):
    print(json.dumps(what), flush=True)


class Caller:
    def __init__(self):
        self.room = rtc.Room()
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=200)
        self.heard = asyncio.Queue()

    async def join(self, url, token):
        room = self.room
        room.on("track_subscribed", self.subscribed)
        room.on("data_received", lambda packet: tell(topic=packet.topic, data=packet.data.decode()))
        room.on("disconnected", lambda reason: tell(disconnected=rtc.DisconnectReason.Name(reason)))
        room.on("reconnected", lambda: tell(reconnected=True))
        await room.connect(url, token)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)
        tell(joined=room.name)

    def subscribed(self, track, publication, participant):
        # Other callers are heard too, but not written down.
        if publication.name == "tts-audio":
            tell(track=publication.name, of=participant.identity)
            self.listening = asyncio.create_task(self.listen(track))

    async def listen(self, track):
        async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
            self.heard.put_nowait(np.frombuffer(event.frame.data, np.int16))

    async def say(self, path):
        """A recording, as a microphone would."""
        with wave.open(path) as recording:
            assert recording.getframerate() == RATE and recording.getnchannels() == 1
            samples = recording.readframes(recording.getnframes())
        # Ends with silence, as a microphone goes on.
        samples += bytes(RATE * 2)
        for at in range(0, len(samples) - FRAME * 2, FRAME * 2):
            await self.source.capture_frame(rtc.AudioFrame(samples[at : at + FRAME * 2], RATE, 1, FRAME))
        tell(said=path)

    async def hear(self):
        """What is heard from the first sound on, until half a second of silence."""
        sounds, quiet = [], 0
        while quiet < RATE // 2:
            samples = await self.heard.get()
            loud = np.abs(samples.astype(int)).max() > SILENCE
            if loud and not sounds:
                tell(begins=True)
            if loud or sounds:
                sounds.append(samples)
                quiet = 0 if loud else quiet + len(samples)
        sound = np.concatenate(sounds)[:-quiet].astype(float)
        spectrum = np.abs(np.fft.rfft(sound - sound.mean()))
        hertz = spectrum.argmax() * RATE / len(sound)
        tell(seconds=len(sound) / RATE, peak=float(np.abs(sound).max()), hertz=float(hertz))


async def main(url, token):
    caller = Caller()
    await caller.join(url, token)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    running = []
    while line := await lines.readline():
        match json.loads(line):
            case {"say": path}:
                running.append(asyncio.create_task(caller.say(path)))
            case {"hear": _}:
                running.append(asyncio.create_task(caller.hear()))
            case {"send": text, "topic": topic}:
                await caller.room.local_participant.publish_data(text, reliable=True, topic=topic)
    await caller.room.disconnect()


asyncio.run(main(*sys.argv[1:]))
