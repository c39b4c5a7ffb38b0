"""Image classifiers of `transformers`, in small configurations."""

from __future__ import annotations

from dataclasses import replace

from tests.architectures.families.building import CLASSES, RESNET, VIT, classifier, on_image

__all__ = ["CLASSIFIERS"]

SWIN = {"patch_size": 2, "embed_dim": 24, "depths": [2, 2, 2], "num_heads": [2, 4, 8], "window_size": 4}
PYRAMID = {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 2, 1]}

TRANSFORMERS = [
    classifier("ViT", "ViTForImageClassification", 64, **VIT),
    classifier("DeiT", "DeiTForImageClassification", 64, **VIT),
    classifier("DeiT with teacher", "DeiTForImageClassificationWithTeacher", 64, **VIT),
    classifier(
        "BEiT",
        "BeitForImageClassification",
        64,
        use_relative_position_bias=True,
        use_absolute_position_embeddings=True,
        **VIT,
    ),
    classifier(
        "Data2VecVision", "Data2VecVisionForImageClassification", 64, use_relative_position_bias=True, **VIT
    ),
    classifier(
        "DINOv2",
        "Dinov2ForImageClassification",
        64,
        mlp_ratio=2,
        **{k: v for k, v in VIT.items() if k != "intermediate_size"},
    ),
    classifier(
        "DINOv2 with registers",
        "Dinov2WithRegistersForImageClassification",
        64,
        use_swiglu_ffn=True,
        **{k: v for k, v in VIT.items() if k != "intermediate_size"},
    ),
    classifier("I-JEPA", "IJepaForImageClassification", 64, **VIT),
    classifier("ViT MSN", "ViTMSNForImageClassification", 64, **VIT),
    classifier("CLIP vision", "CLIPForImageClassification", 64, vision_config={**VIT}),
    classifier("SigLIP vision", "SiglipForImageClassification", 64, vision_config={**VIT}),
    classifier("MetaCLIP 2 vision", "MetaClip2ForImageClassification", 64, vision_config={**VIT}),
    classifier("Swin", "SwinForImageClassification", 64, image_size=64, **SWIN),
    classifier("Swin v2", "Swinv2ForImageClassification", 64, image_size=64, **SWIN),
    classifier("Donut Swin", "DonutSwinForImageClassification", 64, image_size=64, **SWIN),
    classifier(
        "CvT", "CvtForImageClassification", 64, embed_dim=[16, 32, 48], num_heads=[1, 2, 4], depth=[1, 2, 3]
    ),
    classifier(
        "LeViT",
        "LevitForImageClassification",
        128,
        image_size=128,
        hidden_sizes=[32, 48, 64],
        num_attention_heads=[2, 3, 4],
        depths=[1, 1, 1],
        key_dim=[8, 8, 8],
    ),
    classifier(
        "MobileViT",
        "MobileViTForImageClassification",
        64,
        image_size=64,
        hidden_sizes=[24, 32, 40],
        neck_hidden_sizes=[8, 8, 16, 24, 32, 40, 64],
        num_attention_heads=2,
    ),
    classifier(
        "MobileViT v2",
        "MobileViTV2ForImageClassification",
        64,
        image_size=64,
        width_multiplier=0.25,
        n_attn_blocks=[1, 2, 1],
        base_attn_unit_dims=[128, 192, 256],
    ),
    classifier(
        "SegFormer (classifier)",
        "SegformerForImageClassification",
        64,
        **{**PYRAMID, "num_attention_heads": [1, 2, 3, 4]},
    ),
    classifier(
        "PVT", "PvtForImageClassification", 64, image_size=64, num_attention_heads=[1, 2, 3, 4], **PYRAMID
    ),
    classifier(
        "PVT v2",
        "PvtV2ForImageClassification",
        64,
        image_size=64,
        num_attention_heads=[1, 2, 3, 4],
        **PYRAMID,
    ),
    classifier(
        "Hiera",
        "HieraForImageClassification",
        64,
        image_size=[64, 64],
        embed_dim=16,
        depths=[1, 1, 2, 1],
        num_heads=[1, 2, 4, 8],
        masked_unit_size=[8, 8],
    ),
    classifier(
        "SwiftFormer",
        "SwiftFormerForImageClassification",
        64,
        image_size=64,
        depths=[1, 1, 2, 1],
        embed_dims=[16, 24, 32, 48],
    ),
    classifier(
        "FocalNet",
        "FocalNetForImageClassification",
        64,
        image_size=64,
        embed_dim=16,
        depths=[1, 1, 2, 1],
        use_layerscale=True,
    ),
    classifier("PoolFormer", "PoolFormerForImageClassification", 64, **PYRAMID),
]

CONVOLUTIONAL = [
    classifier("ResNet", "ResNetForImageClassification", 64, **RESNET),
    classifier("ConvNeXt", "ConvNextForImageClassification", 64, **PYRAMID),
    classifier("ConvNeXt v2", "ConvNextV2ForImageClassification", 64, **PYRAMID),
    classifier("RegNet", "RegNetForImageClassification", 64, embedding_size=16, groups_width=8, **PYRAMID),
    classifier(
        "BiT",
        "BitForImageClassification",
        64,
        embedding_size=32,
        num_groups=8,
        hidden_sizes=[32, 64, 96, 128],
        depths=[1, 1, 2, 1],
    ),
    classifier("MobileNet v1", "MobileNetV1ForImageClassification", 64, depth_multiplier=0.25, image_size=64),
    classifier("MobileNet v2", "MobileNetV2ForImageClassification", 64, depth_multiplier=0.35, image_size=64),
    classifier(
        "EfficientNet",
        "EfficientNetForImageClassification",
        64,
        image_size=64,
        hidden_dim=320,
        depth_divisor=4,
        width_coefficient=0.25,
        depth_coefficient=0.5,
    ),
    classifier(
        "HGNet v2",
        "HGNetV2ForImageClassification",
        64,
        depths=[1, 1, 1, 1],
        embedding_size=16,
        hidden_sizes=[32, 64, 96, 128],
        stem_channels=[3, 8, 16],
        stage_in_channels=[16, 32, 64, 96],
        stage_out_channels=[32, 64, 96, 128],
        stage_mid_channels=[8, 16, 24, 32],
        stage_numb_of_layers=[2, 2, 2, 2],
    ),
    classifier("TextNet", "TextNetForImageClassification", 64, image_size=[64, 64]),
    on_image(
        "PP-LCNet",
        "PPLCNetForImageClassification",
        64,
        ("last_hidden_state",),
        (3,),
        num_labels=CLASSES,
        scale=0.5,
    ),
]

CLASSIFIERS = [
    *TRANSFORMERS,
    *CONVOLUTIONAL,
    *(
        replace(case, opset=opset)
        for opset in (20, 23)
        for case in TRANSFORMERS
        if case.name in ("ViT", "Swin")
    ),
]
