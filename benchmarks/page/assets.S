// The files that a page consists of, as they are.
#define ASSET(name, path)      \
  .global name##_begin;        \
  .global name##_end;          \
  name##_begin: .incbin path;  \
  name##_end:

  .section .rodata
  ASSET(octet_page_html, "page.html")
  ASSET(octet_page_style, "style.css")
  ASSET(octet_page_script, "page.js")
  ASSET(octet_page_charts, "chart.umd.min.js")
  ASSET(octet_page_licence, "LICENSE.md")
  .section .note.GNU-stack, "", %progbits
