/* A byte queue of fixed size: one writer, one reader, no allocation after init. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct ring_buffer {
	unsigned char *data;
	size_t capacity;
	size_t head;
	size_t length;
};

int
ring_buffer_init(struct ring_buffer *rb, size_t capacity)
{
	rb->data = malloc(capacity);
	if (rb->data == NULL)
		return -ENOMEM;
	rb->capacity = capacity;
	rb->head = 0;
	rb->length = 0;
	return 0;
}

void
ring_buffer_free(struct ring_buffer *rb)
{
	free(rb->data);
	rb->data = NULL;
	rb->capacity = 0;
}

size_t
ring_buffer_write(struct ring_buffer *rb, const unsigned char *bytes, size_t n)
{
	size_t i;

	if (n > rb->capacity - rb->length)
		n = rb->capacity - rb->length;
	for (i = 0; i < n; i++)
		rb->data[(rb->head + rb->length + i) % rb->capacity] = bytes[i];
	rb->length += n;
	return n;
}

size_t
ring_buffer_read(struct ring_buffer *rb, unsigned char *bytes, size_t n)
{
	size_t i;

	if (n > rb->length)
		n = rb->length;
	for (i = 0; i < n; i++)
		bytes[i] = rb->data[(rb->head + i) % rb->capacity];
	rb->head = (rb->head + n) % rb->capacity;
	rb->length -= n;
	return n;
}
