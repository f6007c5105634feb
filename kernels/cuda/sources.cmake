# The kernels' sources: for nvcc in this folder, for the emulator in the tests.
set(OCTET_CUDA_KERNELS accept.cu add_product.cu attention.cu chunk_product.cu device.cu draft.cu embed.cu
    finish_heads.cu finish_product.cu gate_up.cu head.cu matmul.cu qkv.cu quantize.cu unpack.cu)
list(TRANSFORM OCTET_CUDA_KERNELS PREPEND ${PROJECT_SOURCE_DIR}/kernels/cuda/)
