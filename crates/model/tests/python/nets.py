"""Models of people's own, for training/export_onnx.py: none in the documented layout."""

import torch
from torch import nn


class Normalising(nn.Module):
    """With the statistics of its training, position in percent and log variance."""

    def __init__(self, hidden=6):
        super().__init__()
        self.register_buffer("feature_mean", torch.randn(50))
        self.register_buffer("feature_std", torch.rand(50) + 0.5)
        self.hidden, self.out = nn.Linear(50, hidden), nn.Linear(hidden, 2)

    def forward(self, x):
        out = self.out(torch.tanh(self.hidden((x - self.feature_mean) / self.feature_std)))
        return 100 * torch.sigmoid(out[:, 0]), out[:, 1].clamp(-6, 8)


class Share(nn.Sequential):
    """Position from 0 to 1, from normalised numbers."""

    def __init__(self):
        super().__init__(nn.Linear(50, 4), nn.BatchNorm1d(4), nn.GELU(), nn.Linear(4, 1), nn.Sigmoid())


class Residual(nn.Module):
    """A logit, a variance and something else, by name."""

    def __init__(self):
        super().__init__()
        self.inner, self.out = nn.Linear(50, 50), nn.Linear(50, 1)

    def forward(self, x):
        z = x + nn.functional.elu(self.inner(x))
        return {"logit": self.out(z), "variance": nn.functional.softplus(z[:, 0]) + 0.1, "rest": z[:, 1]}


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution, self.out = nn.Conv1d(1, 2, 5, padding=2), nn.Linear(100, 1)

    def forward(self, x):
        return self.out(torch.relu(self.convolution(x.unsqueeze(1))).flatten(1))


class Recurrent(nn.Module):
    """Its exported form makes the first state from the number of rows."""

    def __init__(self):
        super().__init__()
        self.cells, self.out = nn.LSTM(5, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x):
        states, _ = self.cells(x.reshape(-1, 10, 5))
        return self.out(states[:, -1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Linear(5, 4), nn.Linear(4, 1)
        self.attend = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

    def forward(self, x):
        return self.out(self.attend(self.embed(x.reshape(-1, 10, 5))).mean(1))
