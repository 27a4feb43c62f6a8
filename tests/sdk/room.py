"""A participant in a LiveKit room by the Python SDK, for a Sayna that cannot link libwebrtc: src/room/media/live/subprocess.rs
says what goes over its standard streams. A build for development starts it (SAYNA_LIVEKIT_SUBPROCESS)."""

import asyncio
import base64
import json
import os
import struct
import sys
import threading

from livekit import rtc

# What others print here is no message.
OUT = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)


def say(kind, payload=b""):
    try:
        OUT.write(struct.pack("<IB", len(payload) + 1, ord(kind)) + payload)
        OUT.flush()
    except BrokenPipeError:
        # Sayna has ended, and so does its input.
        os._exit(0)


def tell(kind, **fields):
    say("E", json.dumps({"type": kind, **fields}).encode())


def who(participant):
    return {"identity": participant.identity, "name": participant.name}


def messages(loop, queue):
    """Sayna's messages, read beside the loop; none at their end."""
    read = sys.stdin.buffer.read
    while len(head := read(5)) == 5:
        length, kind = struct.unpack("<IB", head)
        loop.call_soon_threadsafe(queue.put_nowait, (chr(kind), read(length - 1)))
    loop.call_soon_threadsafe(queue.put_nowait, None)


class Participant:
    def __init__(self, wish):
        self.wish = wish
        self.room = rtc.Room()
        self.source = rtc.AudioSource(wish["sample_rate"], 1, queue_size_ms=wish["ahead_ms"]) if wish["audio"] else None
        self.frames = asyncio.Queue()
        self.streams = {}

    async def join(self):
        room = self.room
        room.on("participant_connected", lambda participant: tell("joined", **who(participant)))
        room.on("participant_disconnected", lambda participant: tell("left", **who(participant)))
        room.on("track_published", self.publication)
        room.on("track_subscribed", self.subscribed)
        room.on("track_unsubscribed", lambda track, publication, participant: self.unsubscribed(publication.sid))
        room.on("data_received", self.data)
        room.on("disconnected", lambda reason: tell("lost", reason=rtc.DisconnectReason.Name(reason)))
        room.on("reconnecting", lambda: tell("reconnecting"))
        room.on("reconnected", self.reconnected)
        await room.connect(self.wish["url"], self.wish["token"], rtc.RoomOptions(auto_subscribe=False))
        if self.source:
            track = rtc.LocalAudioTrack.create_audio_track(self.wish["track"], self.source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(track, options)
        say("J")
        self.subscribe()

    def reconnected(self):
        tell("reconnected")
        # Tracks of those who were back before are not announced.
        self.subscribe()

    def subscribe(self):
        for participant in self.room.remote_participants.values():
            for publication in participant.track_publications.values():
                self.publication(publication, participant)

    def publication(self, publication, participant):
        wanted = not self.wish["listen"] or participant.identity in self.wish["listen"]
        if wanted and self.source and publication.kind == rtc.TrackKind.KIND_AUDIO:
            publication.set_subscribed(True)

    def subscribed(self, track, publication, participant):
        tell("track", sid=publication.sid, **who(participant))
        number = len(self.streams)
        stream = rtc.AudioStream(track, sample_rate=self.wish["sample_rate"], num_channels=1, capacity=50)
        self.streams[publication.sid, number] = asyncio.create_task(self.hear(number, stream))

    def unsubscribed(self, sid):
        for (one, _), task in self.streams.items():
            if one == sid:
                task.cancel()

    async def hear(self, number, stream):
        try:
            async for event in stream:
                say("S", struct.pack("<I", number) + bytes(event.frame.data))
        finally:
            say("X", struct.pack("<I", number))

    def data(self, packet):
        identity = packet.participant.identity if packet.participant else ""
        tell("data", identity=identity, topic=packet.topic, payload=base64.b64encode(packet.data).decode())

    async def play(self):
        while True:
            frame = await self.frames.get()
            say("P")
            await self.source.capture_frame(rtc.AudioFrame(frame, self.wish["sample_rate"], 1, len(frame) // 2))

    def clear(self):
        while not self.frames.empty():
            self.frames.get_nowait()
            say("P")
        self.source.clear_queue()


async def main():
    queue = asyncio.Queue()
    threading.Thread(target=messages, args=(asyncio.get_running_loop(), queue), daemon=True).start()
    _, wish = await queue.get()
    participant = Participant(json.loads(wish))
    try:
        await participant.join()
    except Exception as error:
        say("F", str(error).encode())
        return
    playing = asyncio.create_task(participant.play()) if participant.source else None
    while message := await queue.get():
        kind, payload = message
        if kind == "A":
            participant.frames.put_nowait(payload)
        elif kind == "C" and playing:
            participant.clear()
        elif kind == "D":
            data = json.loads(payload)
            local = participant.room.local_participant
            await local.publish_data(base64.b64decode(data["payload"]), reliable=True, topic=data["topic"])
    await participant.room.disconnect()


asyncio.run(main())
# Not by way of destructors, which may wait for threads of the library.
os._exit(0)
