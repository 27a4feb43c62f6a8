"""The peer of `benches/noise.rs`: pipecat's RNNoiseFilter, which is pyrnnoise between two resamplers.

FROM RATE TO    takes the noise out of 16-bit samples in a file, in pieces of 20 ms. Prints one line of JSON: the processor's
                seconds, and by how many samples what came out was shorter than what went in, after each piece.
"""

import asyncio
import json
import sys
import time

from loguru import logger
from pipecat.audio.filters.rnnoise_filter import RNNoiseFilter


async def main(source, rate, target):
    filter = RNNoiseFilter()
    await filter.start(rate)
    with open(source, "rb") as file:
        audio = file.read()
    piece, taken, out, behind = rate // 50 * 2, 0, [], []
    given = 0
    # The first piece builds what is only needed once.
    begun = None
    for at in range(0, len(audio), piece):
        came = await filter.filter(audio[at : at + piece])
        begun = begun or time.process_time()
        out.append(came)
        taken, given = taken + len(audio[at : at + piece]), given + len(came)
        behind.append((taken - given) // 2)
    used = time.process_time() - begun
    with open(target, "wb") as file:
        file.write(b"".join(out))
    print(json.dumps({"cpu": used, "behind": behind}))


logger.remove()
asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
