"""librosa on one core: the medians that the benchmark prints beside ours."""
import io
import statistics
import sys
import time

import librosa
import numpy as np
import soundfile


def five(y, rate):
    """The specification's features, with everything shared that can be."""
    spectrum = np.abs(librosa.stft(y))
    mel = librosa.feature.melspectrogram(S=spectrum**2, sr=rate)
    tracks = [
        librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=20),
        librosa.feature.spectral_centroid(S=spectrum, sr=rate),
        librosa.feature.spectral_rolloff(S=spectrum, sr=rate),
        librosa.feature.rms(y=y),
        librosa.feature.zero_crossing_rate(y),
    ]
    return [(track.mean(axis=1), track.std(axis=1)) for track in tracks]


def each(y, rate):
    """The same, each feature asked for by itself as in librosa's documentation."""
    tracks = [
        librosa.feature.mfcc(y=y, sr=rate, n_mfcc=20),
        librosa.feature.spectral_centroid(y=y, sr=rate),
        librosa.feature.spectral_rolloff(y=y, sr=rate),
        librosa.feature.rms(y=y),
        librosa.feature.zero_crossing_rate(y),
    ]
    return [(track.mean(axis=1), track.std(axis=1)) for track in tracks]


def whole(data, rate, features=five):
    y, own = soundfile.read(io.BytesIO(data), dtype="float32")
    if own != rate:
        y = librosa.resample(y, orig_sr=own, target_sr=rate)
    return features(y, rate)


def report(what, work, rounds=300):
    for _ in range(20):
        work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    print(f"{what:<58} median {statistics.median(times):7.4f} ms   p90 {times[rounds * 9 // 10]:7.4f} ms")


clip, other = (open(path, "rb").read() for path in sys.argv[1:3])
name = f"librosa {librosa.__version__}"
report(f"{name}: WAV bytes to the five, one spectrum", lambda: whole(clip, 16_000))
report(f"{name}: WAV bytes to the five, each by itself", lambda: whole(clip, 16_000, each))
report(f"{name}: 44.1 kHz, soxr HQ to 16 kHz, one spectrum", lambda: whole(other, 16_000), 100)
