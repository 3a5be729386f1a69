"""Writes recordings in the forms that libsndfile knows, and beside each what librosa hears in it, as 32-bit floats."""
import pathlib
import sys

import librosa
import numpy as np
import soundfile

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(7)
INTEGERS = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
FORMS = (
    [("WAV", subtype, "BIG") for subtype in INTEGERS]
    + [("WAV", subtype, "LITTLE") for subtype in INTEGERS]
    + [("WAVEX", subtype, "FILE") for subtype in INTEGERS]
    + [("RF64", subtype, "FILE") for subtype in INTEGERS]
    + [("FLAC", subtype, "FILE") for subtype in ["PCM_S8", "PCM_16", "PCM_24"]]
)


def sound(kind, count, channels):
    time = np.arange(count)[:, None] * (1 + 0.1 * np.arange(channels))
    noise = rng.uniform(-1, 1, (count, channels))
    return {
        "room": 0.3 * np.sin(time / 7) + 0.02 * noise,
        "noise": 0.9 * noise,
        "silence": np.zeros((count, channels)),
        "clipped": np.clip(2 * np.sin(time / 9), -1, 1),
    }[kind]


for number, (form, subtype, endian) in enumerate(FORMS):
    for kind in ["room", "noise", "silence", "clipped"]:
        for channels, count in [(1, 16_001), (1, 37), (2, 9_000), (6, 500)]:
            rate = [16_000, 44_100, 8_000, 192_000][(number + channels) % 4]
            name = f"{form}-{subtype}-{endian}-{kind}-{channels}-{count}"
            path = folder / f"{name}.clip"
            extra = {"compression_level": (number + count) % 9 / 8} if form == "FLAC" else {}
            data = sound(kind, count, channels)
            soundfile.write(path, data, rate, format=form, subtype=subtype, endian=endian, **extra)
            heard, own = soundfile.read(path, dtype="float32", always_2d=True)
            assert own == rate
            librosa.to_mono(heard.T).astype("<f4").tofile(folder / f"{name}.{rate}")
