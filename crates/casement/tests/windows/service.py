"""An ML service in Python, as it is, beside Casement with `ml.understands_context: false`: `make check-python-service`.

Without an override the service moves the window. During one it is not asked, and the window stays. An answer that was on its way when
the override began is followed by the person's position again.

Usage: service.py CASEMENT SERVICE DIRECTORY [ARGUMENT of the service]...
"""

import base64
import io
import json
import os
import pathlib
import queue
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
import wave
from datetime import datetime, timezone

import paho.mqtt.client as mqtt
import yaml

PATIENCE_S = 60
# PyTorch and librosa are slow to begin with.
START_S = 300
ROOM = "room-1"
CONFIGURATION = """\
ml: {understands_context: false}
windows: {min_interval_s: 0}
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def broker_of(service):
    """The port of the broker that the service's configuration names."""
    path = service.parent / "config.yaml"
    if not path.exists():
        return 1883
    broker = (yaml.safe_load(path.read_text()).get("mqtt") or {}).get("broker", "localhost:1883")
    host, _, port = broker.rpartition("//")[2].partition(":")
    if host not in ("localhost", "127.0.0.1"):
        raise SystemExit(f"error: {path} names the broker {broker}, and it has to be on this machine")
    return int(port or 1883)


def wait(what, is_so, patience=PATIENCE_S):
    """Polls until it is so, and returns what it was."""
    began = time.monotonic()
    while not (found := is_so()):
        if time.monotonic() - began > patience:
            raise SystemExit(f"not so after {patience} s: {what}")
        time.sleep(0.02)
    print(f"  {time.monotonic() - began:6.2f} s  {what}", flush=True)
    return found


def now():
    return datetime.now(timezone.utc).isoformat()


def recording():
    """Two seconds of a quiet room."""
    noise, room, samples = random.Random(1), 0.0, []
    for _ in range(32_000):
        room = 0.97 * room + 0.004 * noise.uniform(-1, 1)
        samples.append(round(room * 32_767))
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return base64.b64encode(data.getvalue()).decode()


class Room:
    """A room: its sensors, its window, which goes where it is told, and an ear for what the ML service is asked."""

    def __init__(self, port):
        self.requests, self.commands = queue.Queue(), queue.Queue()
        versions = getattr(mqtt, "CallbackAPIVersion", None)
        self.client = mqtt.Client(versions.VERSION2) if versions else mqtt.Client()
        self.client.on_message = self.hear
        self.client.connect("127.0.0.1", port)
        self.client.subscribe([(f"window/{ROOM}/control", 1), ("ml/inference/request/#", 1)])
        self.client.loop_start()
        self.say(f"device/{ROOM}/status", "online")
        self.say(f"sensor/{ROOM}/audio", {
            "timestamp": now(), "data": recording(), "sample_rate": 16_000, "duration": 2.0, "format": "wav"})

    def hear(self, _client, _data, message):
        if not message.topic.startswith("window/"):
            self.requests.put(json.loads(message.payload))
            return
        command = json.loads(message.payload)
        self.commands.put(command)
        self.say(f"window/{ROOM}/state", {"position": command["position"], "timestamp": now()})

    def say(self, topic, payload):
        self.client.publish(topic, json.dumps(payload), qos=1)

    def climate(self, temperature):
        # It does not change, and so there is one question.
        self.say(f"sensor/{ROOM}/humidity", {"value": 50, "timestamp": now()})
        self.say(f"sensor/{ROOM}/temperature", {"value": temperature, "timestamp": now()})

    def command(self, what, patience=PATIENCE_S):
        return self.next_of(self.commands, what, patience)

    def request(self, temperature, what):
        """The question at this temperature."""
        return self.next_of(self.requests, what, PATIENCE_S, lambda request: request["temperature"] == temperature)

    def answer(self, temperature, what):
        """Where the service wants the window at this temperature."""
        command = self.next_of(self.commands, what, PATIENCE_S, lambda command: asked_at(command) == temperature)
        return of_service(command)

    @staticmethod
    def next_of(heard, what, patience, is_it=lambda _: True):
        began = time.monotonic()
        while True:
            try:
                found = heard.get(timeout=max(0, began + patience - time.monotonic()))
            except queue.Empty:
                raise SystemExit(f"not so after {patience} s: {what}") from None
            if is_it(found):
                print(f"  {time.monotonic() - began:6.2f} s  {what}", flush=True)
                return found


class Casement:
    def __init__(self, program, directory, port):
        self.data, self.http = directory / "casement", free_port()
        self.data.mkdir(parents=True)
        config = directory / "casement.yaml"
        config.write_text(CONFIGURATION)
        log = open(directory / "casement.log", "w")
        self.process = subprocess.Popen(
            [program, "up", f"--config={config}", f"--data={self.data}", f"--mqtt=127.0.0.1:{port}", "--no-ml",
             f"--http=127.0.0.1:{self.http}", f"--clickhouse=127.0.0.1:{free_port()}"], stdout=log, stderr=log)

    def is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit(f"error: Casement has ended; see {self.data.parent / 'casement.log'}")
        try:
            return self.ask("GET", "/devices") is not None
        except OSError:
            return False

    def ask(self, method, path, body=None):
        token = (self.data / "accounts/admin-token").read_text().strip()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def room(self):
        try:
            return self.ask("GET", f"/devices/{ROOM}")
        except urllib.error.HTTPError:
            return {}

    def control(self):
        return self.room().get("control") or {}

    def hold(self, position):
        self.ask("PUT", f"/devices/{ROOM}/override", {"position": position})

    def resume(self):
        self.ask("DELETE", f"/devices/{ROOM}/override")


def of_person(command, position):
    assert (command.get("origin"), command["position"]) == ("person", position), command


def asked_at(command):
    return (command.get("features_used") or {}).get("temperature")


def of_service(command):
    assert "origin" not in command and 0 <= command["position"] <= 100, command
    return command["position"]


def moves(casement, room):
    """Asked, it answers, and the window goes there."""
    temperature, has_answered, began = 21, False, time.monotonic()
    room.climate(temperature)
    request = room.request(temperature, "the service is asked")
    assert "window" not in request, sorted(request)
    # It subscribes when it has started: what it was asked before is asked again with the next change.
    while True:
        try:
            command = room.commands.get(timeout=5)
            position, has_answered = of_service(command), True
            if asked_at(command) == temperature:
                break
        except queue.Empty:
            if time.monotonic() - began > START_S:
                raise SystemExit(f"the service did not answer within {START_S} s: see service.log in target/python-service/run") from None
            if not has_answered:
                # None comes twice.
                temperature = round(18 + (temperature - 18 + 1.37) % 12, 2)
                room.climate(temperature)
    print(f"  {time.monotonic() - began:6.2f} s  it answers: {position:.0f} %", flush=True)
    wait("the window is there", lambda: same(casement.control().get("position"), position))
    assert casement.control()["override"] is None, casement.control()


def same(one, other):
    return one is not None and abs(one - other) < 0.01


def drain(heard):
    while not heard.empty():
        heard.get_nowait()


def stays(casement, room):
    """While a person holds the window the service is not asked."""
    casement.hold(12)
    of_person(room.command("a person's command"), 12)
    wait("the window is there", lambda: same(casement.control().get("position"), 12))
    drain(room.requests)
    meanwhile = [30, 17, 27]
    for temperature in meanwhile:
        room.climate(temperature)
        wait(f"it is {temperature} °C", lambda: same(casement.room()["readings"]["temperature"]["value"], temperature))
        reason = wait("and the service is not asked", lambda: (casement.room().get("withheld") or {}).get("reason"))
        assert "a person decides" in reason, reason
    assert room.commands.empty(), room.commands.get()
    assert same(casement.control()["position"], 12), casement.control()
    casement.resume()
    room.climate(23)
    asked = []
    while 23 not in asked:
        asked.append(room.next_of(room.requests, "nobody holds it: the service is asked", PATIENCE_S)["temperature"])
    # How it is when the override ends is news; what was before is not asked for later.
    assert not set(asked) & set(meanwhile[:-1]), asked
    room.answer(23, "it answers")


def returns(casement, room, service):
    """An answer that was on its way when the override began is followed by the person's position again."""
    for temperature, position in [(20, 33), (29, 8), (19, 91)]:
        casement.resume()
        drain(room.requests)
        room.climate(temperature)
        room.request(temperature, "nobody holds it: the service is asked")
        room.answer(temperature, "it answers")
        # It stands still with a question before it.
        service.send_signal(signal.SIGSTOP)
        try:
            room.climate(temperature + 7)
            room.request(temperature + 7, "the service is asked once more")
            casement.hold(position)
            of_person(room.command("a person's command"), position)
        finally:
            service.send_signal(signal.SIGCONT)
        wish = room.answer(temperature + 7, "the answer that was on its way")
        of_person(room.command(f"the person's position again: {position} %, not {wish:.0f} %"), position)
        wait("the window is there", lambda: same(casement.control().get("position"), position))
        hold = casement.control()["override"]
        assert hold["position"] == position and hold["source"] != "window", hold
    assert room.commands.empty(), room.commands.get()


def main():
    program, service, directory = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()
    port = broker_of(service)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(f"error: the broker that the service knows is 127.0.0.1:{port}, and that is taken: {error}") from None
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    casement, running = Casement(program, directory, port), None
    try:
        wait("Casement is ready", casement.is_ready)
        # Nothing is written beside it.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": str(directory.parent / "numba")}
        log = open(directory / "service.log", "w")
        running = subprocess.Popen(
            [sys.executable, str(service), *sys.argv[4:]], cwd=service.parent, env=environment, stdout=log, stderr=log)
        room = Room(port)
        moves(casement, room)
        stays(casement, room)
        returns(casement, room, running)
        assert running.poll() is None, f"the service has ended; see {directory / 'service.log'}"
        print("an ML service in ignorance of people leaves them their windows")
    finally:
        for process in (running, casement.process):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()


main()
