-- What the scenarios need of an editor: servers, buffers, completions, and waiting for what must happen.

local M = {}

local kLimitMs = 60000 -- only a bound for failing
local n_buffers = 0
local servers = {}

vim.o.swapfile = false -- the buffers have no file

--- Waits until `holds()`, or fails with what did not happen.
function M.wait(what, holds)
  assert(vim.wait(kLimitMs, holds, 2), what .. ': it never happens')
end

function M.equal(found, expected, what)
  local message = ('%s: expected %s, found %s'):format(what, vim.inspect(expected), vim.inspect(found))
  assert(vim.deep_equal(found, expected), message)
end

--- A server that answered `initialize`; {client, exit = {code, signal} once it ended}.
function M.start()
  assert(vim.env.OCTET_BIN, 'OCTET_BIN names the octet binary to test')
  local server = { exit = nil }
  local id = vim.lsp.start_client({
    name = 'octet',
    cmd = { vim.env.OCTET_BIN, 'lsp', '--stdio' },
    root_dir = nil,
    on_exit = function(code, signal)
      server.exit = { code = code, signal = signal }
    end,
  })
  server.client = vim.lsp.get_client_by_id(id)
  M.wait('the answer to initialize', function()
    return server.client.initialized
  end)
  table.insert(servers, server)
  return server
end

--- A listed buffer with this text in the current window, attached to `server`. `format`: its fileformat.
function M.open(server, lines, format)
  n_buffers = n_buffers + 1
  vim.cmd('enew!')
  vim.cmd('file /repo/src/scenario' .. n_buffers .. '.py')
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo.fileformat = format or 'unix'
  vim.bo.filetype = 'python'
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, lines)
  assert(vim.lsp.buf_attach_client(buffer, server.client.id))
  return buffer
end

--- Presses keys as a user does, from normal mode.
function M.type(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'tx', false)
end

--- The params of a completion at a cursor of the current window: the row and the column in bytes, both from 1.
function M.params(row, column)
  vim.api.nvim_win_set_cursor(0, { row, 0 })
  local buffer = vim.api.nvim_get_current_buf()
  local line = vim.api.nvim_buf_get_lines(buffer, row - 1, row, true)[1]
  local character = vim.str_byteindex and select(2, vim.str_utfindex(line, column - 1)) or column - 1
  return {
    textDocument = vim.lsp.util.make_text_document_params(buffer),
    position = { line = row - 1, character = character },
    context = { triggerKind = 1 },
  }
end

--- Sends any request; returns its id and the table {error, result} that the answer fills.
function M.request(server, method, params)
  local answer = {}
  local sent, id = server.client.request(method, params, function(failure, result)
    answer.error, answer.result, answer.is_there = failure, result, true
  end, vim.api.nvim_get_current_buf())
  assert(sent, 'the request could not be sent')
  return id, answer
end

function M.answer(server, method, params)
  local _, answer = M.request(server, method, params)
  M.wait('the answer to ' .. method, function()
    return answer.is_there
  end)
  return answer
end

--- The items at a cursor, each checked against the buffer: its range is the word before the cursor, its text begins with it.
function M.complete(server, row, column)
  local params = M.params(row, column)
  local answer = M.answer(server, 'textDocument/inlineCompletion', params)
  assert(answer.error == nil, vim.inspect(answer.error))
  local line = vim.api.nvim_buf_get_lines(0, row - 1, row, true)[1]
  local word = line:sub(1, column - 1):match('[%w_\128-\255]*$')
  local start = select(2, vim.str_utfindex(line, column - 1 - #word))
  for _, item in ipairs(answer.result.items) do
    M.equal(item.range.start, { line = row - 1, character = start }, 'start of the range')
    M.equal(item.range['end'], params.position, 'end of the range')
    assert(vim.startswith(item.insertText, word) and #item.insertText > #word, 'the item extends the word: ' .. item.insertText)
  end
  return answer.result.items
end

--- Fails unless the server completes here as one does that was given the buffer's whole text at once. One of the texts may be shorter:
--- the time for decoding is limited.
function M.expect_same_as_fresh(server, row, column)
  local items = M.complete(server, row, column)
  local fresh = M.start()
  assert(vim.lsp.buf_attach_client(0, fresh.client.id))
  local expected = M.complete(fresh, row, column)
  vim.lsp.buf_detach_client(0, fresh.client.id)
  M.stop(fresh)
  M.equal(#items, #expected, 'number of items')
  for i, item in ipairs(items) do
    local a, b = item.insertText, expected[i].insertText
    assert(vim.startswith(a, b) or vim.startswith(b, a), ('expected %q, found %q'):format(b, a))
  end
  return items
end

function M.is_running(pid)
  return vim.loop.kill(pid, 0) == 0
end

--- shutdown and exit, as when the editor quits; the process must end by itself.
function M.stop(server)
  local pid = server.client.rpc.pid
  server.client.stop()
  M.wait('the end of the server', function()
    return server.exit ~= nil
  end)
  M.equal(server.exit, { code = 0, signal = 0 }, 'end of the server')
  assert(not M.is_running(pid), 'the process is still there')
end

--- After a scenario: no buffer and no server of it is left.
function M.clean_up()
  for _, server in ipairs(servers) do
    if server.exit == nil then
      M.stop(server)
    end
  end
  servers = {}
  vim.cmd('silent! %bwipeout!')
end

return M
