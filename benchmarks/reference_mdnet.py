"""A plain reading of the public MDNet code's way of tracking (reference for speed and for the numbers).

One warp a sample on the CPU, the framework's local response normalisation, Python loops over batches, features of every
frame in lists that are concatenated for each training. Box regression, hard negatives and updates as in the 2019
generation (`mdnet: v2`). It is fed the tracker's own random numbers, so that both must find the same boxes.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CROP, PADDING, CHUNK = 107, 16, 256


class PlainNetwork(nn.Module):
    """MDNet with the weights of a SALNet; `LocalResponseNorm` with the window that the weights were made for."""

    def __init__(self, salnet, head):
        super().__init__()
        network, kind = salnet.vggm, salnet.vggm.normalisation
        window = kind.below + kind.above + 1
        norm = nn.LocalResponseNorm(window, alpha=kind.alpha * window, beta=0.75, k=kind.k)
        pool = nn.MaxPool2d(3, 2)
        self.layers = nn.Sequential(
            *(network.conv1, nn.ReLU(), norm, pool),
            *(network.conv2, nn.ReLU(), norm, pool),
            *(network.conv3, nn.ReLU()),
        )
        self.fc = nn.Sequential(head.fc4, nn.ReLU(), head.fc5, nn.ReLU(), head.fc6)

    def conv(self, x):
        return self.layers(x).flatten(1)


def crop(image, box, fill):
    """One region (x, y, w, h) of an image (H, W, 3), with context, stretched to 107 x 107."""
    x, y, w, h = (float(value) for value in box)
    context = 1 + 2 * PADDING / CROP
    sx, sy = w * context / CROP, h * context / CROP
    back = np.array([[sx, 0, x + w / 2 - sx * CROP / 2], [0, sy, y + h / 2 - sy * CROP / 2], [0, 0, 1]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(image, back, (CROP, CROP), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)


def overlap(a, b):
    left, top = np.maximum(a[:, 0], b[0]), np.maximum(a[:, 1], b[1])
    right, bottom = np.minimum(a[:, 0] + a[:, 2], b[0] + b[2]), np.minimum(a[:, 1] + a[:, 3], b[1] + b[3])
    shared = np.maximum(0, right - left) * np.maximum(0, bottom - top)
    return shared / (a[:, 2] * a[:, 3] + b[2] * b[3] - shared)


class PlainSampler:
    """MDNet's sample generator of 2019."""

    def __init__(self, kind, size, translation, scale, aspect=None, least=10):
        self.kind, self.size, self.translation, self.scale = kind, np.array(size, np.float32), translation, scale
        self.aspect, self.least = aspect, least

    def draw(self, box, n, rng):
        x, y, w, h = np.array(box, np.float32)
        samples = np.tile(np.array([x + w / 2, y + h / 2, w, h], np.float32), (n, 1))
        mean = np.float32((w + h) / 2)
        if self.aspect is not None:
            samples[:, 2:] *= self.aspect ** (rng.random((n, 2)) * 2 - 1)
        if self.kind == "gaussian":
            samples[:, :2] += self.translation * mean * np.clip(0.5 * rng.standard_normal((n, 2)), -1, 1)
            samples[:, 2:] *= self.scale ** np.clip(0.5 * rng.standard_normal((n, 1)), -1, 1)
        elif self.kind == "uniform":
            samples[:, :2] += self.translation * mean * (rng.random((n, 2)) * 2 - 1)
            samples[:, 2:] *= self.scale ** (rng.random((n, 1)) * 2 - 1)
        else:
            side = int(2 * np.sqrt(n))
            steps = np.linspace(0, 1, side)
            grid = np.array([(i, j) for j in steps for i in steps])
            chosen = grid[rng.permutation(len(grid))[:n]]
            half = samples[:, 2:] / 2
            samples[:, :2] = half + chosen * (self.size - half - 1)
            samples[:, 2:] *= self.scale ** (rng.random((n, 1)) * 2 - 1)
        samples[:, 2:] = np.clip(samples[:, 2:], self.least, self.size - self.least)
        samples[:, :2] = np.clip(samples[:, :2], 0, self.size)
        samples[:, :2] -= samples[:, 2:] / 2
        return samples

    def within(self, box, n, rng, low, high):
        found, missing, factor = [], n, 2
        while missing > 0 and factor < 16:
            drawn = self.draw(box, missing * factor, rng)
            share = overlap(drawn.astype(np.float64), np.array(box, np.float64))
            kept = drawn[(share >= low) & (share <= high)][:missing]
            found.append(kept)
            missing -= len(kept)
            factor *= 2
        return np.concatenate(found)


class PlainTracker:
    """The loop. `samples` and `local` are the sources of random numbers, `head` holds the new last layer."""

    def __init__(self, settings, salnet, head, samples, local):
        self.settings, self.samples, self.local = settings, samples, local
        self.network = PlainNetwork(salnet, head).eval()
        self.fill, self.float_crops = (128, 0, 0), False
        self.optimisers = {}

    def features(self, image, boxes):
        image = image.astype(np.float32) if self.float_crops else image
        parts = []
        for start in range(0, len(boxes), CHUNK):
            crops = [crop(image, box, self.fill) for box in boxes[start : start + CHUNK]]
            batch = np.stack([c.astype(np.float32).transpose(2, 0, 1) - 128 for c in crops])
            with torch.no_grad():
                parts.append(self.network.conv(torch.from_numpy(batch)))
        return torch.cat(parts)

    def init(self, image, box):
        own, rng = self.settings, self.samples
        self.size = (image.shape[1], image.shape[0])
        self.box, self.target, self.frame = np.array(box, float), np.array(box, float), 0
        self.least = min(10, *self.box[2:])
        self.translation = own.candidates.translation
        positives = self.sampler("gaussian", 0.1, 1.3).within(box, own.first.positives, rng, 0.7, 1)
        half = own.first.negatives // 2
        near = self.sampler("uniform", 1, 1.6).within(box, half, rng, 0, 0.5)
        whole = self.sampler("whole", 1, 1).within(box, own.first.negatives - half, rng, 0, 0.5)
        negatives = np.concatenate([near, whole])
        negatives = negatives[rng.permutation(len(negatives))]
        positive, negative = self.features(image, positives), self.features(image, negatives)
        self.train("first", own.first, positive, negative)
        self.learn_box(image, box)
        again = self.sampler("uniform", 2, 1.3).within(box, own.update.negatives, rng, 0, 0.5)
        self.positives, self.negatives = [positive], [self.features(image, again)]

    def sampler(self, kind, translation, scale, aspect=None):
        return PlainSampler(kind, self.size, translation, scale, aspect, self.least)

    def learn_box(self, image, box):
        regression = self.settings.box_regression
        sampler = self.sampler("uniform", 0.3, regression.scale, 1.1)
        around = sampler.within(box, regression.samples, self.samples, 0.6, 1)
        features = self.features(image, around).double().numpy()
        area = around[:, 2] * around[:, 3] / (box[2] * box[3])
        use = (area >= 1) & (area <= 2)
        x, s = features[use], around[use].astype(np.float64)
        shift = (np.array(box[:2]) + np.array(box[2:]) / 2 - s[:, :2] - s[:, 2:] / 2) / s[:, 2:]
        y = np.concatenate([shift, np.log(np.array(box[2:]) / s[:, 2:])], 1)
        mx, my = x.mean(0), y.mean(0)
        gram = (x - mx) @ (x - mx).T + regression.alpha * np.eye(len(x))
        self.weights = (x - mx).T @ np.linalg.solve(gram, y - my)
        self.bias = my - mx @ self.weights

    def regress(self, features, boxes):
        d = features.double().numpy() @ self.weights + self.bias
        sides = boxes[:, 2:] * np.exp(d[:, 2:])
        corner = boxes[:, :2] + boxes[:, 2:] / 2 + d[:, :2] * boxes[:, 2:] - sides / 2
        low = np.minimum(np.maximum(corner, 0), np.array(self.size) - 1)
        high = np.minimum(corner + sides, self.size)
        return np.concatenate([low, np.maximum(high - low, 1)], 1)

    def update(self, image):
        self.frame += 1
        own, rng = self.settings, self.samples
        sampler = self.sampler("gaussian", self.translation, own.candidates.scale)
        boxes = sampler.draw(self.target, own.candidates.local, self.local)
        features = self.features(image, boxes)
        with torch.no_grad():
            outputs = self.network.fc(features)
        rank, best = outputs[:, 1].topk(own.candidates.best)
        score, best = rank.mean().item(), best.numpy()
        self.target = boxes[best].mean(0).astype(np.float64)
        if score > own.failure_score:
            self.box = self.regress(features[torch.from_numpy(best)], boxes[best].astype(np.float64)).mean(0)
            self.translation = own.candidates.translation
            self.learn_more(image, rng)
            if self.frame % own.update.interval == 0:
                self.train("update", own.update, torch.cat(self.positives), torch.cat(self.negatives))
                return "long"
            return "none"
        self.box = self.target
        self.translation = min(self.translation * 1.1, own.candidates.lost_translation)
        recent = self.positives[-own.update.short :]
        self.train("update", own.update, torch.cat(recent), torch.cat(self.negatives))
        return "short"

    def learn_more(self, image, rng):
        own = self.settings.update
        positives = self.sampler("gaussian", 0.1, 1.3).within(self.target, own.positives, rng, 0.7, 1)
        negatives = self.sampler("uniform", 2, 1.3).within(self.target, own.negatives, rng, 0, 0.3)
        self.positives.append(self.features(image, positives))
        self.negatives.append(self.features(image, negatives))
        self.positives, self.negatives = self.positives[-own.long :], self.negatives[-own.short :]

    def train(self, name, steps, positives, negatives):
        batch, rng, fc = self.settings.batch, self.samples, self.network.fc
        pos, neg = rng.permutation(len(positives)), rng.permutation(len(negatives))
        while len(pos) < batch.positives * steps.iterations:
            pos = np.concatenate([pos, rng.permutation(len(positives))])
        while len(neg) < batch.pool * steps.iterations:
            neg = np.concatenate([neg, rng.permutation(len(negatives))])
        if name not in self.optimisers:
            slow = [*fc[0].parameters(), *fc[2].parameters()]
            fast = {"params": list(fc[4].parameters()), "lr": steps.rate * steps.fc6_factor}
            self.optimisers[name] = torch.optim.SGD(
                [{"params": slow, "lr": steps.rate}, fast],
                momentum=self.settings.momentum,
                weight_decay=self.settings.weight_decay,
            )
        for i in range(steps.iterations):
            some = positives[torch.from_numpy(pos[i * batch.positives : (i + 1) * batch.positives])]
            pool = negatives[torch.from_numpy(neg[i * batch.pool : (i + 1) * batch.pool])]
            scores = []
            with torch.no_grad():
                for start in range(0, len(pool), CHUNK):
                    scores.append(fc(pool[start : start + CHUNK])[:, 1])
            hard = pool[torch.cat(scores).topk(min(batch.negatives, len(pool))).indices]
            right, wrong = fc(some), fc(hard)
            loss = -F.log_softmax(right, 1)[:, 1].sum() - F.log_softmax(wrong, 1)[:, 0].sum()
            loss = loss / (len(some) + len(hard))
            self.optimisers[name].zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(fc.parameters(), self.settings.clip)
            self.optimisers[name].step()
