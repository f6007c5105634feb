-- What a user of Neovim does with a language server that completes inline.

local editor = require('editor')

local kCircle = {
  'class Circle:',
  '    def __init__(self, radius):',
  '        self.radius = radius',
  '',
  '    def area(self):',
  '        return 3.14 * self.',
}
local kEnd = { 6, #kCircle[6] + 1 }

local kMethod = 'textDocument/inlineCompletion'
local kInvalidParams = -32602
local kCancelled = -32800

local function circle(server, format)
  return editor.open(server, kCircle, format)
end

--- At the end of kCircle there is always something to offer.
local function expect_items(server)
  local items = editor.complete(server, kEnd[1], kEnd[2])
  assert(#items > 0, 'nothing is offered')
  return items
end

return {
  {
    'the server says what it can do',
    function()
      local server = editor.start()
      assert(server.client.server_capabilities.inlineCompletionProvider, 'inlineCompletionProvider')
      editor.equal(server.client.server_capabilities.textDocumentSync.change, 2, 'incremental changes')
      editor.equal(server.client.server_capabilities.positionEncoding, 'utf-16', 'encoding')
    end,
  },
  {
    'an open buffer is completed, and the item can be taken',
    function()
      local server = editor.start()
      local buffer = circle(server)
      local item = expect_items(server)[1]
      vim.lsp.util.apply_text_edits({ { range = item.range, newText = item.insertText } }, buffer, 'utf-16')
      local line = vim.api.nvim_buf_get_lines(buffer, 5, 6, true)[1]
      editor.equal(line, kCircle[6] .. vim.split(item.insertText, '\n')[1], 'the line with the item')
      editor.expect_same_as_fresh(server, 6, #line + 1)
    end,
  },
  {
    'what is typed and deleted in insert mode arrives',
    function()
      local server = editor.start()
      circle(server)
      editor.type('Go<CR>def perimeter(self):<CR>retrn<BS><BS>urn 2 * self.x<BS><Esc>')
      editor.type('ggOimport math<Esc>')
      local row = vim.api.nvim_buf_line_count(0)
      local line = vim.api.nvim_buf_get_lines(0, row - 1, row, true)[1]
      assert(vim.endswith(line, 'self.'), line)
      editor.expect_same_as_fresh(server, row, #line + 1)
    end,
  },
  {
    'edits of the API, undo and redo arrive',
    function()
      local server = editor.start()
      local buffer = circle(server)
      vim.api.nvim_buf_set_text(buffer, 0, 6, 0, 12, { 'Round', '', '    """A', '    circle."""' })
      vim.api.nvim_buf_set_text(buffer, 5, 8, 5, 14, { 'return' })
      editor.expect_same_as_fresh(server, 9, #kCircle[6] + 1)
      vim.cmd('undo')
      vim.cmd('redo')
      vim.cmd('%substitute/radius/r/g')
      vim.cmd('2move $')
      vim.cmd('silent 1,2join')
      local row = vim.api.nvim_buf_line_count(buffer) - 1
      local line = vim.api.nvim_buf_get_lines(buffer, row - 1, row, true)[1]
      editor.expect_same_as_fresh(server, row, #line + 1)
    end,
  },
  {
    'characters outside the basic plane count as two',
    function()
      local server = editor.start()
      local buffer = editor.open(server, { "name = '😀𐐷é' + na", 'naïve😀 = name' })
      editor.expect_same_as_fresh(server, 1, #"name = '😀𐐷é' + na" + 1)
      vim.api.nvim_buf_set_text(buffer, 0, 8, 0, 12, { '👩‍💻𐐷' })
      editor.type('2GA + naïve😀<Esc>')
      local line = vim.api.nvim_buf_get_lines(buffer, 1, 2, true)[1]
      editor.expect_same_as_fresh(server, 2, #line + 1)
      editor.expect_same_as_fresh(server, 1, #"name = '" + 1)
    end,
  },
  {
    'a file with CR LF is completed and edited like any other',
    function()
      local server = editor.start()
      local buffer = circle(server, 'dos')
      expect_items(server)
      editor.type('jdd')
      editor.type('Goreturn self.<Esc>')
      vim.api.nvim_buf_set_text(buffer, 0, 0, 1, 4, { '# a', '# b', 'class C:', '    ' })
      local row = vim.api.nvim_buf_line_count(buffer)
      local line = vim.api.nvim_buf_get_lines(buffer, row - 1, row, true)[1]
      editor.expect_same_as_fresh(server, row, #line + 1)
    end,
  },
  {
    'a cancelled request does not hold up the next one',
    function()
      local server = editor.start()
      circle(server)
      local seen = {}
      for i = 1, 20 do
        local id, answer = editor.request(server, kMethod, editor.params(kEnd[1], kEnd[2]))
        server.client.cancel_request(id)
        seen[i] = answer
      end
      expect_items(server)
      for _, answer in ipairs(seen) do -- Neovim drops most answers to what it cancelled
        assert(not answer.is_there or answer.error == nil or answer.error.code == kCancelled, vim.inspect(answer))
      end
    end,
  },
  {
    'of several requests the newest has the items, and all have an answer',
    function()
      local server = editor.start()
      circle(server)
      local answers = {}
      for i = 1, 10 do
        _, answers[i] = editor.request(server, kMethod, editor.params(kEnd[1], kEnd[2]))
      end
      for i = 1, 10 do
        editor.wait('answer ' .. i, function()
          return answers[i].is_there
        end)
        assert(answers[i].error == nil and type(answers[i].result.items) == 'table', vim.inspect(answers[i]))
      end
      assert(#answers[10].result.items > 0, 'the newest request has no item')
    end,
  },
  {
    'two buffers are told apart',
    function()
      local server = editor.start()
      local first = circle(server)
      local second = editor.open(server, { 'def total(prices):', '    return sum(', '' })
      for _ = 1, 3 do
        vim.api.nvim_set_current_buf(first)
        editor.type('GA + self.<Esc>')
        vim.api.nvim_set_current_buf(second)
        editor.type('ggO# 😀<Esc>')
      end
      vim.api.nvim_set_current_buf(first)
      editor.expect_same_as_fresh(server, 6, #vim.api.nvim_get_current_line() + 1)
      vim.api.nvim_set_current_buf(second)
      editor.expect_same_as_fresh(server, 5, #'    return sum(' + 1)
    end,
  },
  {
    'a buffer that was closed is refused, and completed once it is open again',
    function()
      local server = editor.start()
      local buffer = circle(server)
      local params = editor.params(kEnd[1], kEnd[2])
      vim.lsp.buf_detach_client(buffer, server.client.id)
      local answer = editor.answer(server, kMethod, params)
      assert(answer.error and answer.error.code == kInvalidParams, vim.inspect(answer))
      assert(vim.lsp.buf_attach_client(buffer, server.client.id))
      expect_items(server)
    end,
  },
  {
    'a file is completed before and after it is saved',
    function()
      local server = editor.start()
      local scratch = vim.fn.tempname()
      local path = scratch .. '/project/circle.py' -- the model sees the folder's name: not a random one
      vim.fn.mkdir(scratch .. '/project', 'p')
      vim.fn.writefile(kCircle, path)
      vim.cmd('edit ' .. path)
      assert(vim.lsp.buf_attach_client(0, server.client.id))
      expect_items(server)
      editor.type('ggOimport math<Esc>')
      vim.cmd('silent write')
      editor.type('ggO# 😀<Esc>')
      editor.expect_same_as_fresh(server, 8, kEnd[2])
      vim.fn.delete(scratch, 'rf')
    end,
  },
  {
    'a server that was killed is replaced',
    function()
      local server = editor.start()
      local buffer = circle(server)
      expect_items(server)
      vim.loop.kill(server.client.rpc.pid, 'sigkill')
      editor.wait('the end of the server', function()
        return server.exit ~= nil
      end)
      editor.equal(server.exit.signal, 9, 'signal')
      editor.type('ggO# typed without a server<Esc>')
      local next_server = editor.start()
      assert(vim.lsp.buf_attach_client(buffer, next_server.client.id))
      assert(#editor.complete(next_server, kEnd[1] + 1, kEnd[2]) > 0, 'nothing is offered')
    end,
  },
  {
    'shutdown and exit leave no process, also while a completion runs',
    function()
      local server = editor.start()
      circle(server)
      editor.request(server, kMethod, editor.params(kEnd[1], kEnd[2]))
      editor.stop(server)
    end,
  },
}
