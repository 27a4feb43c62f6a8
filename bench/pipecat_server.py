"""The peer of bench/load.sh: a server of the same scene as pipecat's documentation has one build it.

Arguments: the provider's address and key, and `detectors` where Silero and smart-turn, which pipecat brings along, are to listen
for the ends of turns. Prints the address it listens on. Binary frames are 16 kHz PCM, `{"type":
"speak"}` is spoken, transcripts come as JSON.
"""

import asyncio
import json
import socket
import sys

import aiohttp
import uvicorn
from fastapi import FastAPI, WebSocket
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageUrgentFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.deepgram.tts import DeepgramHttpTTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

PROVIDER, KEY = sys.argv[1:3]
DETECTORS = sys.argv[3:] == ["detectors"]
app = FastAPI()


def detectors():
    """Before and behind recognition: voice activity, and turns by pipecat's usual strategies, which ask smart-turn."""
    if not DETECTORS:
        return [], []
    from pipecat.audio.vad.silero import SileroVADAnalyzer
    from pipecat.processors.audio.vad_processor import VADProcessor
    from pipecat.turns.user_turn_processor import UserTurnProcessor

    return [VADProcessor(vad_analyzer=SileroVADAnalyzer())], [UserTurnProcessor()]


class Serializer(FrameSerializer):
    async def serialize(self, frame):
        if isinstance(frame, OutputTransportMessageUrgentFrame):
            return json.dumps(frame.message)
        return frame.audio if isinstance(frame, OutputAudioRawFrame) else None

    async def deserialize(self, data):
        if isinstance(data, bytes):
            return InputAudioRawFrame(audio=data, sample_rate=16000, num_channels=1)
        return TTSSpeakFrame(json.loads(data)["text"])


class Transcripts(FrameProcessor):
    async def process_frame(self, frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, (TranscriptionFrame, InterimTranscriptionFrame)):
            message = {"type": "stt_result", "transcript": frame.text}
            await self.push_frame(OutputTransportMessageUrgentFrame(message=message))
        else:
            await self.push_frame(frame, direction)


@app.websocket("/ws")
async def session(websocket: WebSocket):
    await websocket.accept()
    params = FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=Serializer())
    transport = FastAPIWebsocketTransport(websocket=websocket, params=params)
    stt = DeepgramSTTService(api_key=KEY, base_url=PROVIDER.replace("http", "ws"))
    async with aiohttp.ClientSession() as http:
        tts = DeepgramHttpTTSService(api_key=KEY, aiohttp_session=http, base_url=PROVIDER)
        before, behind = detectors()
        worker = PipelineWorker(
            Pipeline([transport.input(), *before, stt, *behind, Transcripts(), tts, transport.output()]),
            params=PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000),
            cancel_on_idle_timeout=False,
            enable_rtvi=False,
        )

        # The provider has taken the connection by then.
        @worker.event_handler("on_pipeline_started")
        async def started(*_):
            await websocket.send_text('{"type": "ready"}')

        @transport.event_handler("on_client_disconnected")
        async def gone(*_):
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()


async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    await uvicorn.Server(uvicorn.Config(app, log_level="error")).serve(sockets=[listener])


asyncio.run(main())
