"""Writes a tiny model with random weights and one token per byte: enough for a real llama.cpp server,
without any download. Its text is noise. Usage: python tiny_gguf.py FILE
"""

import sys

import gguf
import numpy as np

EMBEDDING, LAYERS, HEADS, FEED_FORWARD, CONTEXT = 64, 2, 4, 128, 16384
PLAIN, CONTROL, BYTE = 1, 3, 6
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "


def vocabulary() -> tuple[list[str], list[float], list[int]]:
    tokens = ["<unk>", "<s>", "</s>"]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += [chr(code) for code in range(32, 127)]
    scores = [0.0] * 259 + [-1.0 - at / 100 for at in range(95)]
    types = [2, CONTROL, CONTROL] + [BYTE] * 256 + [PLAIN] * 95
    return tokens, scores, types


def write(path: str) -> None:
    random = np.random.default_rng(7)
    tokens, scores, types = vocabulary()

    def tensor(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    ones = np.ones(EMBEDDING, np.float32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(EMBEDDING // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    writer.add_tensor("token_embd.weight", tensor(len(tokens), EMBEDDING))
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", tensor(len(tokens), EMBEDDING))
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{prefix}{name}.weight", tensor(EMBEDDING, EMBEDDING))
        writer.add_tensor(f"{prefix}ffn_gate.weight", tensor(FEED_FORWARD, EMBEDDING))
        writer.add_tensor(f"{prefix}ffn_up.weight", tensor(FEED_FORWARD, EMBEDDING))
        writer.add_tensor(f"{prefix}ffn_down.weight", tensor(EMBEDDING, FEED_FORWARD))
        writer.add_tensor(f"{prefix}attn_norm.weight", ones)
        writer.add_tensor(f"{prefix}ffn_norm.weight", ones)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1])
