"""Azure's own Speech SDK against the counterpart; argument: its address. Prints what was heard as JSON.

Its synthesis speaks another protocol than the one over HTTP that the counterpart has, so nothing is spoken here.
"""

import json
import queue
import sys

import azure.cognitiveservices.speech as speech


def main(url):
    config = speech.SpeechConfig(host=url.replace("http", "ws"), subscription="key-of-the-tests")
    config.speech_recognition_language = "en-US"
    config.output_format = speech.OutputFormat.Detailed
    form = speech.audio.AudioStreamFormat(samples_per_second=16000, bits_per_sample=16, channels=1)
    stream = speech.audio.PushAudioInputStream(form)
    recognizer = speech.SpeechRecognizer(config, speech.audio.AudioConfig(stream=stream))
    events = queue.Queue()
    recognizer.recognizing.connect(lambda event: events.put([event.result.text, False]))
    recognizer.recognized.connect(lambda event: events.put([event.result.text, True]))
    recognizer.canceled.connect(lambda event: events.put(["canceled", event.cancellation_details.error_details]))
    recognizer.start_continuous_recognition_async().get()
    stream.write(bytes(16000))
    heard = [events.get(timeout=30) for _ in range(3)]
    stream.close()
    recognizer.stop_continuous_recognition_async().get()
    listed = speech.SpeechSynthesizer(config, None).get_voices_async("").get()
    voices = [voice.short_name for voice in listed.voices]
    print(json.dumps({"heard": heard, "voices": voices}))


main(sys.argv[1])
