"""What librosa says of every WAV in a directory: a JSON object a line, natively and resampled to 16 kHz (soxr HQ)."""
import json
import pathlib
import sys
import warnings

import librosa
import numpy as np
import soundfile

warnings.simplefilter("ignore")
RATE = 16_000


def reduced(track, frames=False):
    track = np.asarray(track, dtype=np.float64)
    summary = {"mean": track.mean(axis=1).tolist(), "std": track.std(axis=1).tolist()}
    if frames:
        summary["frames"] = track[0].tolist()
    return summary


def features(y, rate):
    found = {
        "mfcc": reduced(librosa.feature.mfcc(y=y, sr=rate, n_mfcc=20)),
        "mel_spectrogram": reduced(librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=rate))),
        "spectral_centroid": reduced(librosa.feature.spectral_centroid(y=y, sr=rate)),
        "spectral_bandwidth": reduced(librosa.feature.spectral_bandwidth(y=y, sr=rate)),
        "spectral_rolloff": reduced(librosa.feature.spectral_rolloff(y=y, sr=rate), frames=True),
        "spectral_flatness": reduced(librosa.feature.spectral_flatness(y=y)),
        "rms": reduced(librosa.feature.rms(y=y)),
        "zero_crossing_rate": reduced(librosa.feature.zero_crossing_rate(y)),
    }
    powers = librosa.feature.melspectrogram(y=y, sr=rate, n_mels=32).mean(axis=1)
    found["mel_db"] = np.asarray(librosa.power_to_db(powers, top_db=None), dtype=np.float64).tolist()
    try:
        found["spectral_contrast"] = reduced(librosa.feature.spectral_contrast(y=y, sr=rate))
    except librosa.util.exceptions.ParameterError:
        found["spectral_contrast"] = None
    return found


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.wav")):
    y, rate = soundfile.read(path, dtype="float32")
    if y.ndim > 1:
        y = librosa.to_mono(y.T)
    resampled = None
    if rate != RATE:
        resampled = features(librosa.resample(y, orig_sr=rate, target_sr=RATE, res_type="soxr_hq"), RATE)
    print(json.dumps({"name": path.stem, "native": features(y, rate), "resampled": resampled}))
