#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include "plugin/rpc/internal.h"

grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message, size_t *ret_size) {
    size_t size = protobuf_c_message_get_packed_size(message);
    grpc_slice slice = grpc_slice_malloc(size);
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    *ret_size = size;
    return bytes;
}

ProtobufCMessage *rpc_message_unpack(const ProtobufCMessageDescriptor *descriptor, grpc_byte_buffer *bytes) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return NULL;
    grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, NULL, GRPC_SLICE_LENGTH(slice), GRPC_SLICE_START_PTR(slice));
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    return message;
}
