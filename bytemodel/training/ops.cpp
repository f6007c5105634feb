#include "bytemodel/training/ops.h"

#include <cmath>
#include <limits>

#include <torch/csrc/autograd/custom_function.h>

#include "kernels/training/training_kernels.h"

namespace octet::bytemodel::training {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const kernels::TrainingKernels& table() { return *kernels::supported_training_kernels().front(); }

using kernels::Bf16;

bool is_fusable(const Tensor& x) { return x.is_cpu() && (x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16); }

/// Whether rows of `n` numbers are whole vectors.
bool fits(std::int64_t n, int n_vectors) { return n % (std::int64_t{n_vectors} * table().lanes) == 0; }

float* data(const Tensor& x) { return x.data_ptr<float>(); }

/// The numbers of a tensor of type float or bfloat16.
template <typename E>
E* numbers(const Tensor& x) {
  return static_cast<E*>(x.data_ptr());
}

/// Calls work(kernels) with those for the tensor's type.
template <typename Work>
void with_kernels(torch::ScalarType type, const Work& work) {
  if (type == torch::kBFloat16) {
    work(table().bf16);
  } else {
    work(table().f32);
  }
}

template <typename E>
E element_of(const kernels::TypedTrainingKernels<E>&);

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& gain, double eps, torch::ScalarType type) {
    Tensor y = torch::empty_like(x, x.options().dtype(type));
    Tensor inverse_rms = torch::empty({x.size(0)}, x.options());
    with_kernels(type, [&](const auto& of) {
      using E = decltype(element_of(of));
      of.rms_norm(data(x), data(gain), numbers<E>(y), data(inverse_rms), x.size(0), static_cast<int>(x.size(1)), static_cast<float>(eps));
    });
    context->save_for_backward({x, gain, inverse_rms});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& gain = saved[1];
    const Tensor grad_y = grads[0].contiguous();
    Tensor grad_x = torch::empty_like(x);
    Tensor grad_gain = torch::zeros_like(gain);
    with_kernels(grad_y.scalar_type(), [&](const auto& of) {
      using E = decltype(element_of(of));
      of.rms_norm_backward(data(x), data(gain), data(saved[2]), numbers<E>(grad_y), data(grad_x), data(grad_gain), x.size(0),
                           static_cast<int>(x.size(1)));
    });
    return {grad_x, grad_gain, Tensor(), Tensor()};
  }
};

struct CastLinear : torch::autograd::Function<CastLinear> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& /*weight*/, const Tensor& cast) {
    context->save_for_backward({x, cast});
    return torch::mm(x, cast.t());
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Tensor grad_y = grads[0].contiguous();
    return {torch::mm(grad_y, saved[1]), torch::mm(grad_y.t(), saved[0]).to(torch::kFloat), Tensor()};
  }
};

kernels::NormRopeShape norm_rope_shape(const Tensor& x, const Tensor& gain, const Tensor& cosine) {
  const std::int64_t head_dim = gain.size(0);
  return {x.size(0), cosine.size(0), static_cast<int>(x.size(1) / head_dim), static_cast<int>(head_dim)};
}

struct NormRope : torch::autograd::Function<NormRope> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& gain, const Tensor& cosine, const Tensor& sine,
                        double scale, double eps) {
    const kernels::NormRopeShape shape = norm_rope_shape(x, gain, cosine);
    Tensor y = torch::empty_like(x);
    Tensor inverse_rms = torch::empty({x.size(0), shape.n_heads}, gain.options());
    with_kernels(x.scalar_type(), [&](const auto& of) {
      using E = decltype(element_of(of));
      of.norm_rope(numbers<E>(x), data(gain), data(cosine), data(sine), static_cast<float>(scale), static_cast<float>(eps), numbers<E>(y),
                   data(inverse_rms), shape);
    });
    context->save_for_backward({x, gain, cosine, sine, inverse_rms});
    context->saved_data["scale"] = scale;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& gain = saved[1];
    const Tensor grad_y = grads[0].contiguous();
    Tensor grad_x = torch::empty_like(x);
    Tensor grad_gain = torch::zeros_like(gain);
    with_kernels(x.scalar_type(), [&](const auto& of) {
      using E = decltype(element_of(of));
      of.norm_rope_backward(numbers<E>(x), data(gain), data(saved[2]), data(saved[3]),
                            static_cast<float>(context->saved_data["scale"].toDouble()), data(saved[4]), numbers<E>(grad_y),
                            numbers<E>(grad_x), data(grad_gain), norm_rope_shape(x, gain, saved[2]));
    });
    return {grad_x, grad_gain, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

struct SwiGlu : torch::autograd::Function<SwiGlu> {
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up) {
    Tensor y = torch::empty_like(gate);
    with_kernels(gate.scalar_type(), [&](const auto& of) {
      using E = decltype(element_of(of));
      of.swiglu(numbers<E>(gate), numbers<E>(up), numbers<E>(y), y.numel());
    });
    context->save_for_backward({gate, up});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Tensor grad_y = grads[0].contiguous();
    Tensor grad_gate = torch::empty_like(saved[0]);
    Tensor grad_up = torch::empty_like(saved[1]);
    with_kernels(grad_y.scalar_type(), [&](const auto& of) {
      using E = decltype(element_of(of));
      of.swiglu_backward(numbers<E>(saved[0]), numbers<E>(saved[1]), numbers<E>(grad_y), numbers<E>(grad_gate), numbers<E>(grad_up),
                         grad_y.numel());
    });
    return {grad_gate, grad_up};
  }
};

kernels::TrainingAttentionShape kernel_shape(const AttentionShape& s) {
  return {static_cast<int>(s.n_positions), s.n_heads, s.n_kv_heads, s.head_dim, s.window};
}

struct Attention : torch::autograd::Function<Attention> {
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& s) {
    const kernels::TrainingAttentionShape shape = kernel_shape(s);
    const std::int64_t n_sequences = q.size(0) / s.n_positions;
    Tensor out = torch::empty_like(q);
    Tensor log_sum = torch::empty({n_sequences, s.n_heads, s.n_positions}, torch::kFloat);
    Tensor scratch = torch::empty({kernels::attention_scratch_floats(shape)}, torch::kFloat);
    with_kernels(q.scalar_type(), [&](const auto& of) {
      using E = decltype(element_of(of));
      for (std::int64_t i = 0; i < n_sequences; ++i) {
        const std::int64_t q_offset = i * s.n_positions * q.size(1);
        const std::int64_t kv_offset = i * s.n_positions * k.size(1);
        of.attention(numbers<E>(q) + q_offset, numbers<E>(k) + kv_offset, numbers<E>(v) + kv_offset, numbers<E>(out) + q_offset,
                     data(log_sum) + i * s.n_heads * s.n_positions, shape, data(scratch));
      }
    });
    context->save_for_backward({q, k, v, out, log_sum});
    context->saved_data["shape"] = std::vector<std::int64_t>{s.n_positions, s.n_heads, s.n_kv_heads, s.head_dim, s.window};
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const auto& [q, k, v, out, log_sum] = std::tie(saved[0], saved[1], saved[2], saved[3], saved[4]);
    const std::vector<std::int64_t> s = context->saved_data["shape"].toIntVector();
    const auto narrow = [](std::int64_t x) { return static_cast<int>(x); };
    const kernels::TrainingAttentionShape shape{narrow(s[0]), narrow(s[1]), narrow(s[2]), narrow(s[3]), narrow(s[4])};
    const Tensor grad_out = grads[0].contiguous();
    Tensor grad_q = torch::empty_like(q);
    Tensor grad_k = torch::empty_like(k);
    Tensor grad_v = torch::empty_like(v);
    Tensor scratch = torch::empty({kernels::attention_scratch_floats(shape)}, torch::kFloat);
    with_kernels(q.scalar_type(), [&](const auto& of) {
      using E = decltype(element_of(of));
      for (std::int64_t i = 0; i < q.size(0) / s[0]; ++i) {
        const std::int64_t q_offset = i * s[0] * q.size(1);
        const std::int64_t kv_offset = i * s[0] * k.size(1);
        of.attention_backward(numbers<E>(q) + q_offset, numbers<E>(k) + kv_offset, numbers<E>(v) + kv_offset, numbers<E>(out) + q_offset,
                              data(log_sum) + i * s[1] * s[0], numbers<E>(grad_out) + q_offset, numbers<E>(grad_q) + q_offset,
                              numbers<E>(grad_k) + kv_offset, numbers<E>(grad_v) + kv_offset, shape, data(scratch));
      }
    });
    return {grad_q, grad_k, grad_v, Tensor()};
  }
};

}  // namespace

RopeTable make_rope_table(std::int64_t n_positions, int head_dim, double theta, const torch::TensorOptions& options) {
  const int half = head_dim / 2;
  const Tensor frequency = torch::pow(theta, -torch::arange(half, torch::kDouble) / half);
  const Tensor angle = torch::arange(n_positions, torch::kDouble).unsqueeze(1) * frequency;
  return {torch::cos(angle).to(options), torch::sin(angle).to(options)};
}

Tensor rms_norm(const Tensor& x, const Tensor& gain, double eps, torch::Dtype type) {
  const bool is_fused = is_fusable(x) && x.scalar_type() == torch::kFloat && fits(x.size(1), 1);
  return is_fused ? RmsNorm::apply(x.contiguous(), gain, eps, type) : composed::rms_norm(x, gain, eps, type);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& cast) {
  return x.scalar_type() == torch::kBFloat16 ? CastLinear::apply(x.contiguous(), weight, cast) : torch::linear(x, weight);
}

Tensor norm_rope(const Tensor& x, const Tensor& gain, const RopeTable& rope, double scale, double eps) {
  const bool is_fused = is_fusable(x) && fits(gain.size(0), 2) && gain.size(0) <= kernels::kMaxHeadDim;
  return is_fused ? NormRope::apply(x.contiguous(), gain, rope.cosine, rope.sine, scale, eps)
                  : composed::norm_rope(x, gain, rope, scale, eps);
}

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  const bool is_fused = is_fusable(gate) && fits(gate.numel(), 1);
  return is_fused ? SwiGlu::apply(gate.contiguous(), up.contiguous()) : composed::swiglu(gate, up);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  const bool is_fused = is_fusable(q) && fits(shape.head_dim, 2) && shape.n_positions % kernels::kAttentionBlock == 0;
  return is_fused ? Attention::apply(q.contiguous(), k.contiguous(), v.contiguous(), shape) : composed::attention(q, k, v, shape);
}

namespace composed {

Tensor rms_norm(const Tensor& x, const Tensor& gain, double eps, torch::Dtype type) {
  return (x * torch::rsqrt(x.square().mean(-1, /*keepdim=*/true) + eps) * gain).to(type);
}

Tensor norm_rope(const Tensor& x, const Tensor& gain, const RopeTable& rope, double scale, double eps) {
  const std::int64_t head_dim = gain.size(0);
  const std::int64_t n_positions = rope.cosine.size(0);
  const Tensor heads = x.to(gain.scalar_type()).view({-1, n_positions, x.size(1) / head_dim, head_dim});
  const Tensor y = rms_norm(heads, gain, eps, gain.scalar_type()) * scale;
  const std::vector<Tensor> halves = y.chunk(2, -1);
  const Tensor cosine = rope.cosine.unsqueeze(1);
  const Tensor sine = rope.sine.unsqueeze(1);
  return torch::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine}, -1).view(x.sizes()).to(x.scalar_type());
}

Tensor swiglu(const Tensor& gate, const Tensor& up) { return torch::silu(gate) * up; }

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  const std::int64_t group = shape.n_heads / shape.n_kv_heads;
  const torch::Dtype inner_type = q.scalar_type() == torch::kBFloat16 ? torch::kFloat : q.scalar_type();
  const auto by_head = [&](const Tensor& x, int n_heads) {
    return x.to(inner_type).view({-1, shape.n_positions, n_heads, shape.head_dim}).transpose(1, 2);
  };
  const Tensor keys = by_head(k, shape.n_kv_heads).repeat_interleave(group, 1);
  const Tensor values = by_head(v, shape.n_kv_heads).repeat_interleave(group, 1);
  const Tensor position = torch::arange(shape.n_positions, q.device());
  const Tensor distance = position.unsqueeze(1) - position;
  Tensor hidden = distance < 0;
  if (shape.window > 0) hidden = hidden.logical_or(distance >= shape.window);
  const Tensor scores =
      torch::matmul(by_head(q, shape.n_heads), keys.transpose(2, 3)).masked_fill(hidden, -std::numeric_limits<double>::infinity());
  return torch::matmul(torch::softmax(scores, -1), values).transpose(1, 2).reshape(q.sizes()).to(q.scalar_type());
}

}  // namespace composed
}  // namespace octet::bytemodel::training
